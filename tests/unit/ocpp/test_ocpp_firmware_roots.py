"""Firmware: roots of the manufacturer that came over OCPP, and orders of the central system while an installation waits."""

from __future__ import annotations

from chargepoint.model.commands import ChangeAvailability
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.jobs import DownloadFirmware, RemoveFirmware, VerifyFirmware
from tests.unit.ocpp.conftest import Desk
from tests.unit.ocpp.test_ocpp_firmware import SIGNER, FirmwareDesk, issue, orders

OWN_ROOT = issue("operator's own manufacturer root")


def install(desk: Desk, certificate: str, kind: str = "ManufacturerRootCertificate") -> None:
    request = {"certificateType": kind, "certificate": certificate}
    assert desk.ask("InstallCertificate", request)["status"] == "Accepted"


def test_a_root_that_came_over_ocpp_vouches_for_firmware_signers(desk: Desk) -> None:
    firmware = FirmwareDesk(desk)
    signed = {"signingCertificate": issue("signer", OWN_ROOT).pem}
    assert firmware.update(1, firmware=signed)["status"] == "InvalidCertificate"
    install(desk, OWN_ROOT.pem, "V2GRootCertificate")
    assert firmware.update(2, firmware=signed)["status"] == "InvalidCertificate"  # a root for cars says nothing
    install(desk, OWN_ROOT.pem)
    assert firmware.update(3, firmware=signed)["status"] == "Accepted"
    assert firmware.update(4, firmware={"signingCertificate": SIGNER.pem})["status"] == "AcceptedCanceled"


def test_without_a_configured_root_the_installed_one_serves(desk: Desk) -> None:
    firmware = FirmwareDesk(desk)
    desk.manufacturer_roots = ""
    firmware.restart()
    signed = {"signingCertificate": issue("signer", OWN_ROOT).pem}
    assert firmware.update(1, firmware=signed)["status"] == "InvalidCertificate"
    install(desk, OWN_ROOT.pem)
    assert firmware.update(2, firmware=signed)["status"] == "Accepted"


def waiting(desk: Desk) -> FirmwareDesk:
    """An installation waits for the transaction at EVSE 1; EVSE 2 is out of service meanwhile."""
    firmware = FirmwareDesk(desk)
    desk.port.begin(1)
    firmware.update()
    for kind in (RemoveFirmware, DownloadFirmware, VerifyFirmware):
        firmware.done(kind)
    assert orders(desk) == [ChangeAvailability(EvseId(2), operative=False)]
    desk.effects.clear()
    return firmware


def change(desk: Desk, status: str, evse_id: int | None = None) -> str:
    evse = {} if evse_id is None else {"evse": {"id": evse_id}}
    answer: str = desk.ask("ChangeAvailability", {"operationalStatus": status, **evse})["status"]
    return answer


def test_an_order_brings_no_evse_back_while_an_installation_waits(two_evses: Desk) -> None:
    """L01.FR.07: until the firmware is installed."""
    waiting(two_evses)
    assert change(two_evses, "Operative", 2) == "Scheduled"
    assert change(two_evses, "Operative") == "Scheduled"
    assert ChangeAvailability(EvseId(2), operative=True) not in orders(two_evses)


def test_what_was_ordered_meanwhile_counts_when_the_update_is_given_up(two_evses: Desk) -> None:
    firmware = waiting(two_evses)
    assert change(two_evses, "Inoperative", 2) == "Accepted"
    two_evses.effects.clear()
    assert firmware.update(2)["status"] == "AcceptedCanceled"
    assert orders(two_evses) == []  # the EVSE stays out of service
    assert change(two_evses, "Operative", 2) == "Accepted"
    assert orders(two_evses) == [ChangeAvailability(EvseId(2), operative=True)]


def test_a_withheld_evse_is_back_when_the_update_is_given_up(two_evses: Desk) -> None:
    firmware = waiting(two_evses)
    change(two_evses, "Operative", 2)
    firmware.update(2)
    assert orders(two_evses)[-1] == ChangeAvailability(EvseId(2), operative=True)
