"""A charging profile limits the car while the disk still writes; it is accepted only when it is on the disk."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any, cast

import pytest

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, Contribute, StationCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.ocpp.blocks.effects import CallRefusal
from chargepoint.ocpp.blocks.jobs import JobEvent
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.ocpp.firmware_jobs import FirmwareJobs
from chargepoint.ocpp.job_runner import JobRunner
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.performer import Outlets, Performer
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.secrets_folder import SecretsFolder
from chargepoint.ocpp.station import Station
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreFull

LOG = logging.getLogger("test")
EVSE = EvseState(EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True)
SPACE = "charging-profiles"


def call(limit_W: float) -> CallReceived:
    profile = {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "startSchedule": "2026-01-01T00:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_W}],
            }
        ],
    }
    return CallReceived("1", "SetChargingProfile", {"evseId": 1, "chargingProfile": profile})


class Stand:
    """A performer with a real store; `limits_W` are those the arbiter was given, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder / "s.db")
        self.limits_W: list[float | None] = []
        self.station = Station(CsmsSection(), StationSection(), self, Kept(self.store.kept), lambda _: 0)
        outlets = Outlets(lambda _: None, lambda: None, lambda _: None, lambda: None)
        files = FileJobs(cast("Store", None), folder / "files", self._no_server, LOG)
        jobs = JobRunner(folder / "secrets", self._no_event, LOG, files, FirmwareJobs((), files))
        self.performer = Performer(
            self.station, self.store, self, SystemClock(), jobs, outlets, LOG, SecretsFolder(folder / "secrets")
        )

    def evse_states(self) -> tuple[EvseState, ...]:
        return (EVSE,)

    def command(self, command: StationCommand) -> CommandResult:
        if isinstance(command, Contribute):
            found = [one.limits_W for one in command.contributions if one.limits_W is not None]
            self.limits_W.append(found[0].high if found else None)
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "1"

    def _no_server(self, roots: tuple[str, ...]) -> ssl.SSLContext:
        raise AssertionError("no file server is meant")

    async def _no_event(self, event: JobEvent) -> None:
        raise AssertionError(event)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


async def test_the_arbiter_is_given_a_limit_before_the_disk_has_it_and_the_answer_waits(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, commit = asyncio.Event(), stand.store.commit

    async def slow(*writes: Any) -> None:
        await disk.wait()
        await commit(*writes)

    monkeypatch.setattr(stand.store, "commit", slow)
    answer = asyncio.create_task(stand.performer.reply(call(5000.0)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert stand.limits_W == [5000.0]
    assert not answer.done()
    disk.set()
    assert (await answer).payload == {"status": "Accepted"}
    assert list(stand.store.kept(SPACE)) == ["7"]
    assert stand.limits_W == [5000.0]


async def test_a_limit_that_the_disk_refuses_is_taken_back(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await stand.performer.reply(call(5000.0))).payload == {"status": "Accepted"}

    async def full(*writes: Any) -> None:
        raise StoreFull("disk full, nothing was written; free some space")

    monkeypatch.setattr(stand.store, "commit", full)
    reply = await stand.performer.reply(call(9000.0))
    assert reply.payload == CallRefusal("InternalError", "the station could not store this")
    assert stand.limits_W == [5000.0, 9000.0, 5000.0]
    assert dict(stand.station.kept.space(SPACE)) == stand.store.kept(SPACE)
