"""A block that nobody knows: its calls, timer, kept state, values, events and jobs work without a change elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    Effects,
    Post,
    SecurityEventOccurred,
    Send,
    Share,
    SharedEvent,
    StartJob,
    status,
)
from chargepoint.ocpp.blocks.jobs import GenerateKey, JobDone, JobEvent
from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

JOB = GenerateKey("CP1", "org", "secp256r1", "new.pem")
CLEAR = {"location": "https://h/f", "checksum": "00", "requestId": 3}


class CountingBlock(FunctionalBlock):
    """Counts PublishFirmware CALLs; sends a Heartbeat five seconds after each."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self._space = kept.space("counting")
        self._due_s: float | None = None
        self.seen: list[SharedEvent] = []
        self.calls = {"PublishFirmware": self._clear}
        self.takes = {"NotifyDisplayMessages": self._taken}

    @property
    def deadline_s(self) -> float | None:
        return self._due_s

    def _clear(self, request: Payload, now: StationNow) -> CallAnswer:
        count = int(self._space.get("count", 0)) + 1
        self._due_s = now.monotonic_s + 5.0
        return CallAnswer(status("Accepted"), (self._space.keep("count", count), StartJob("key", JOB)))

    def _taken(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        return (Share(SecurityEventOccurred("MemoryExhaustion")),)

    def tick(self, now: StationNow) -> Effects:
        if self._due_s is None or now.monotonic_s < self._due_s:
            return ()
        self._due_s = None
        return (Send("Heartbeat", {}),)

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        self.seen.append(event)
        return ()

    def job_event(self, event: JobEvent, now: StationNow) -> Effects:
        return (self._space.keep(event.name, event.result),) if isinstance(event, JobDone) else ()

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        return "7.0" if row.name == "Power" else None


@pytest.fixture
def block(desk: Desk) -> CountingBlock:
    desk.reported()
    block = CountingBlock(desk.station.kept)
    desk.station.add(block)
    return block


def test_its_call_is_answered_kept_and_its_job_begun(desk: Desk, block: CountingBlock) -> None:
    assert "PublishFirmware" in desk.station.supported
    assert [desk.ask("PublishFirmware", CLEAR)["status"] for _ in range(2)] == ["Accepted", "Accepted"]
    assert desk.kept("counting") == {"count": 2}
    assert StartJob("key", JOB) in desk.effects
    desk.perform(desk.station.job_event(JobDone("key", "a request"), desk.moment))
    desk.restart()
    desk.station.add(CountingBlock(desk.station.kept))
    desk.accept()
    assert desk.ask("PublishFirmware", CLEAR)["status"] == "Accepted"
    assert desk.kept("counting") == {"key": "a request", "count": 3}


def test_its_timer_counts_among_the_stations_deadlines(desk: Desk, block: CountingBlock) -> None:
    desk.ask("PublishFirmware", CLEAR)
    assert desk.station.deadline_s == 5.0
    assert desk.due(4.9) == []
    assert desk.due(5.0) == ["Heartbeat"]
    assert desk.due(5.1) == []


def test_what_it_shares_reaches_every_block(desk: Desk, block: CountingBlock) -> None:
    desk.answered("NotifyDisplayMessages", {"requestId": 1}, {})
    assert block.seen == [SecurityEventOccurred("MemoryExhaustion")]
    assert [e.payload["type"] for e in desk.effects if isinstance(e, Post)][-1] == "MemoryExhaustion"


def test_its_values_are_those_of_the_device_model(desk: Desk, block: CountingBlock) -> None:
    assert desk.station.model.text("EVSE@1/Power") == "7.0"


def test_two_blocks_for_one_call_are_a_mistake(desk: Desk, block: CountingBlock) -> None:
    with pytest.raises(ValueError, match="CountingBlock: another block has NotifyDisplayMessages, PublishFirmware"):
        desk.station.add(CountingBlock(desk.station.kept))
