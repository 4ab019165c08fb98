"""From the central system's request over a real file server to the last status: logs and firmware, through the whole client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import Reset, ResetKind
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from tests.shell.test_file_transfer import HttpServer, reply
from tests.shell.test_ocpp_wire import Ear, Port

PROGRAM = "import pathlib, sys; pathlib.Path(sys.argv[1] + '.seen').write_bytes(pathlib.Path(sys.argv[1]).read_bytes())"
FIRMWARE = b"firmware" * 50_000


class StationOfFiles:
    """A client with a program that installs firmware, and a bench's permission for unsigned files."""

    def __init__(self, ear: Ear, folder: Path) -> None:
        self.ear, self.port, self.folder = ear, Port(), folder
        csms = CsmsSection(url=f"ws://127.0.0.1:{ear.port}", reconnect_min_s=0.05, call_timeout_s=1.0)
        section = StationSection(
            state_dir=folder, firmware_command=(sys.executable, "-c", PROGRAM), firmware_unsigned=True
        )
        self.store = Store.open(folder / "s.db")
        self.client = OcppClient(csms, section, self.store, self.port, SystemClock(), logging.getLogger("test.files"))
        self.task = asyncio.create_task(self.client.run())

    async def until_online(self) -> None:
        await self.ear.until(lambda: len(self.ear.of("StatusNotification")) >= 2)

    async def statuses(self, action: str, last: str) -> list[tuple[str, int]]:
        """All of this message once this status is among them."""
        await self.ear.until(lambda: last in [payload["status"] for payload in self.ear.of(action)])
        return [(payload["status"], payload["requestId"]) for payload in self.ear.of(action)]

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self.store.close()

    def installed(self) -> bytes:
        return (self.folder / "files" / "firmware.bin.seen").read_bytes()


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    ear = Ear()
    await ear.start()
    yield ear
    assert ear.faults == []
    await ear.stop()


@pytest.fixture
async def station(ear: Ear, tmp_path: Path) -> AsyncIterator[StationOfFiles]:
    station = StationOfFiles(ear, tmp_path)
    await station.until_online()
    yield station
    await station.stop()


@pytest.fixture
def files() -> Iterator[HttpServer]:
    server = HttpServer(lambda handler: reply(200, body=FIRMWARE if handler.command == "GET" else b"")(handler))
    yield server
    server.close()


async def test_a_log_goes_to_the_server_and_its_statuses_to_the_central_system(
    ear: Ear, station: StationOfFiles, files: HttpServer
) -> None:
    request: dict[str, Any] = {
        "logType": "SecurityLog",
        "requestId": 5,
        "log": {"remoteLocation": f"http://127.0.0.1:{files.port}/logs/"},
    }
    answer = await ear.ask("GetLog", request)
    assert answer[2]["status"] == "Accepted"
    assert await station.statuses("LogStatusNotification", "Uploaded") == [("Uploading", 5), ("Uploaded", 5)]
    ((method, path, _, body),) = files.seen
    assert (method, path) == ("PUT", f"/logs/{answer[2]['filename']}")
    assert b"security event StartupOfTheDevice" in body


async def test_firmware_is_downloaded_installed_and_a_restart_is_ordered(
    ear: Ear, station: StationOfFiles, files: HttpServer
) -> None:
    firmware = {"location": f"http://127.0.0.1:{files.port}/fw", "retrieveDateTime": "2026-01-01T00:00:00Z"}
    answer = await ear.ask("UpdateFirmware", {"requestId": 6, "firmware": firmware})
    assert answer[2]["status"] == "Accepted"
    found = await station.statuses("FirmwareStatusNotification", "InstallRebooting")
    assert found == [(s, 6) for s in ("Downloading", "Downloaded", "Installing", "InstallRebooting")]
    assert station.installed() == FIRMWARE
    async with asyncio.timeout(5):
        while Reset(ResetKind.ON_IDLE, None) not in station.port.commands:
            await asyncio.sleep(0.01)


async def test_a_trip_is_an_event_on_the_wire(ear: Ear, station: StationOfFiles) -> None:
    await station.client.inform(
        InterlockTripped(EvseId(1), FaultCode.OVER_TEMPERATURE, 0.0, "92 degC, at most 90 degC")
    )
    await ear.until(lambda: bool(ear.of("NotifyEvent")))
    event, problem = ear.of("NotifyEvent")[0]["eventData"]
    assert (problem["eventNotificationType"], problem["actualValue"]) == ("HardWiredMonitor", "true")
    assert event["techCode"] == "OVER_TEMPERATURE"
    assert event["techInfo"].startswith("too hot: 92 degC, at most 90 degC: ")


async def test_a_server_that_refuses_is_named(ear: Ear, station: StationOfFiles) -> None:
    server = HttpServer(reply(403))
    place = f"http://user:secret-word@127.0.0.1:{server.port}/x"
    await ear.ask("GetLog", {"logType": "DiagnosticsLog", "requestId": 7, "log": {"remoteLocation": place}})
    found = await station.statuses("LogStatusNotification", "PermissionDenied")
    assert found == [("Uploading", 7), ("PermissionDenied", 7)]
    assert not any("secret-word" in entry.text for entry in station.store.journal())
    server.close()
