"""B11, B12: a reset that must not happen now, and one that waits."""

from __future__ import annotations

import pytest

from chargepoint.model.commands import Reset
from chargepoint.ocpp.blocks.jobs import DownloadFirmware, InstallFirmware, RemoveFirmware, VerifyFirmware
from tests.unit.ocpp.conftest import Desk
from tests.unit.ocpp.test_ocpp_firmware import FirmwareDesk


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_an_installation_is_not_interrupted(desk: Desk, kind: str) -> None:
    """B11.FR.06, B12.FR.10: the installing program runs. One EVSE alone may be reset: the program goes on."""
    firmware = FirmwareDesk(desk)
    firmware.update()
    for job in (RemoveFirmware, DownloadFirmware, VerifyFirmware):
        firmware.done(job)
    assert isinstance(firmware.job[1], InstallFirmware)
    desk.port.commands.clear()
    answer = desk.ask("Reset", {"type": kind})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "FwUpdateInProgress")
    assert not any(isinstance(command, Reset) for command in desk.port.commands)
    assert desk.kept("boot").get("reason") is None
    assert desk.ask("Reset", {"type": kind, "evseId": 1})["status"] == "Accepted"


def test_a_reset_that_waits_says_so(desk: Desk) -> None:
    """B11.FR.07."""
    desk.port.begin()
    assert desk.ask("Reset", {"type": "OnIdle"})["status"] == "Scheduled"
    assert desk.ask("Reset", {"type": "Immediate"})["status"] == "Accepted"
