"""Firmware without a signature (L02), where the station permits it: the same stages, without a verification."""

from __future__ import annotations

import pytest

from chargepoint.model.commands import Reset, ResetKind
from chargepoint.ocpp.blocks.jobs import DownloadFirmware, InstallFirmware, RemoveFirmware
from tests.unit.ocpp.conftest import Desk
from tests.unit.ocpp.test_ocpp_firmware import FirmwareDesk, orders


@pytest.fixture
def firmware(desk: Desk) -> FirmwareDesk:
    return FirmwareDesk(desk, firmware_unsigned=True)


def downloaded(firmware: FirmwareDesk, install: str | None = None) -> None:
    assert firmware.update(7, signed=False, **({} if install is None else {"install": install}))["status"] == "Accepted"
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)


def test_each_stage_is_notified_and_the_new_firmware_reports_the_end(firmware: FirmwareDesk) -> None:
    """L02.FR.01, FR.02, FR.20 and FR.21."""
    downloaded(firmware)
    firmware.done(InstallFirmware)
    assert firmware.statuses() == [f"{s}/7" for s in ("Downloading", "Downloaded", "Installing", "InstallRebooting")]
    firmware.restart("2.0")
    assert firmware.statuses() == ["Installed/7"]


def test_an_installation_at_its_time(firmware: FirmwareDesk) -> None:
    """L02.FR.10."""
    downloaded(firmware, install="2026-03-01T12:20:00Z")
    assert firmware.statuses() == [f"{s}/7" for s in ("Downloading", "Downloaded", "InstallScheduled")]
    firmware.desk.due(1199.0)
    assert firmware.statuses() == []
    firmware.desk.due(1200.0)
    assert firmware.statuses() == ["Installing/7"]


def test_the_installation_and_its_reboot_wait_for_the_driver(firmware: FirmwareDesk) -> None:
    """L02.FR.22 and FR.23, L01.FR.33: nothing is activated while a transaction runs, and the reboot is one OnIdle."""
    desk = firmware.desk
    desk.port.begin()
    downloaded(firmware)
    assert firmware.statuses()[-1] == "InstallScheduled/7"
    desk.due(600.0)
    assert firmware.statuses() == []
    desk.port.end()
    desk.due(601.0)
    assert firmware.job[1] == InstallFirmware("firmware.bin")
    firmware.done(InstallFirmware)
    assert [order for order in orders(desk) if isinstance(order, Reset)] == [Reset(ResetKind.ON_IDLE, None)]
