"""Security events that the appendix of OCPP asks for: a start that was ordered, invalid messages, memory that is nearly full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.config.schema import CsmsSection
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.effects import ConnectionFailed, InvalidMessageReceived, Post, StartJob, WriteJournal
from chargepoint.ocpp.blocks.jobs import FreeMemory, JobDone, JobFailed, MeasureMemory
from chargepoint.ocpp.blocks.memory import FIRST_AFTER_S, MEASURED_EVERY_S
from chargepoint.ocpp.blocks.security import INVALID_MESSAGES_EVERY_S
from tests.unit.ocpp.conftest import Desk, FakePort

if TYPE_CHECKING:
    from chargepoint.ocpp.blocks.effects import SharedEvent


def events(desk: Desk) -> list[tuple[str, str]]:
    """Kind and text of the security events since the last question."""
    found = [
        (effect.payload["type"], effect.payload.get("techInfo", ""))
        for effect in desk.effects
        if isinstance(effect, Post) and effect.action == "SecurityEventNotification"
    ]
    desk.effects.clear()
    return found


def inform(desk: Desk, event: SharedEvent) -> list[tuple[str, str]]:
    desk.effects.clear()
    desk.perform(desk.station.informed(event, desk.moment))
    return events(desk)


# -- starts


def test_a_start_that_nobody_ordered_is_a_startup(desk: Desk) -> None:
    desk.effects.clear()
    desk.restart()
    assert [kind for kind, _ in events(desk)] == ["StartupOfTheDevice"]


def test_a_start_after_a_reset_is_a_reset_too(desk: Desk) -> None:
    assert desk.ask("Reset", {"type": "Immediate"})["status"] == "Accepted"
    desk.effects.clear()
    desk.restart()
    assert events(desk) == [("StartupOfTheDevice", ""), ("ResetOrReboot", "RemoteReset")]
    desk.accept()
    desk.effects.clear()
    desk.restart()
    assert [kind for kind, _ in events(desk)] == ["StartupOfTheDevice"]


def test_the_reset_of_one_evse_is_no_start(desk: Desk) -> None:
    assert desk.ask("Reset", {"type": "Immediate", "evseId": 1})["status"] == "Accepted"
    desk.effects.clear()
    desk.restart()
    assert [kind for kind, _ in events(desk)] == ["StartupOfTheDevice"]


# -- invalid messages


def test_invalid_messages_are_one_event_a_minute(desk: Desk) -> None:
    bad = InvalidMessageReceived("FormatViolation", "FormatViolation: no JSON")
    assert inform(desk, bad) == [("InvalidMessages", "FormatViolation: no JSON")]
    desk.now_s = INVALID_MESSAGES_EVERY_S - 1.0
    assert inform(desk, bad) == []
    desk.now_s = INVALID_MESSAGES_EVERY_S
    assert [kind for kind, _ in inform(desk, bad)] == ["InvalidMessages"]


@pytest.mark.parametrize("kind", ["NotImplemented", "NotSupported", "message type", "answer to nothing"])
def test_what_ocpp_has_and_the_station_has_not_is_no_invalid_message(desk: Desk, kind: str) -> None:
    assert inform(desk, InvalidMessageReceived(kind, "text")) == []


def test_a_failed_connection_is_in_the_security_log_as_well(desk: Desk) -> None:
    desk.perform(desk.station.informed(ConnectionFailed("InvalidCsmsCertificate", "expired"), desk.moment))
    lines = [effect.text for effect in desk.effects if isinstance(effect, WriteJournal)]
    assert "security event InvalidCsmsCertificate: expired" in lines
    assert events(desk)[-1] == ("InvalidCsmsCertificate", "expired")
    assert inform(desk, ConnectionFailed("InvalidCsmsCertificate", "expired")) == []


# -- memory


def measured(desk: Desk, disk: int, ram: int = 50) -> list[tuple[str, str]]:
    """The events of a measurement with so many free bytes of 100."""
    desk.effects.clear()
    memories = (FreeMemory("disk", disk, 100), FreeMemory("RAM", ram, 100))
    done = JobDone("memory", "\n".join(memory.text for memory in memories))
    desk.perform(desk.station.job_event(done, desk.moment))
    return events(desk)


def test_memory_is_measured_at_its_interval(desk: Desk) -> None:
    def jobs() -> list[object]:
        return [effect.job for effect in desk.effects if isinstance(effect, StartJob)]

    desk.effects.clear()
    desk.due(FIRST_AFTER_S - 1.0)
    assert jobs() == []
    desk.due(FIRST_AFTER_S)
    assert jobs() == [MeasureMemory()]
    desk.due(FIRST_AFTER_S + MEASURED_EVERY_S - 1.0)
    assert jobs() == [MeasureMemory()]
    desk.due(FIRST_AFTER_S + MEASURED_EVERY_S)
    assert jobs() == [MeasureMemory(), MeasureMemory()]


def test_a_memory_that_is_nearly_full_is_one_event_until_it_has_room_again(desk: Desk) -> None:
    assert measured(desk, 5) == []
    assert measured(desk, 4) == [("MemoryExhaustion", "disk: 4 of 100 bytes are free")]
    assert measured(desk, 3) == []
    assert measured(desk, 10) == []  # not yet room: a memory at the bound would be an event each time
    assert measured(desk, 4) == []
    assert measured(desk, 11) == []
    assert measured(desk, 4, ram=1) == [
        ("MemoryExhaustion", "disk: 4 of 100 bytes are free"),
        ("MemoryExhaustion", "RAM: 1 of 100 bytes are free"),
    ]


def test_a_measurement_that_failed_says_nothing(desk: Desk) -> None:
    desk.effects.clear()
    desk.perform(desk.station.job_event(JobFailed("memory", "OSError", "no such file"), desk.moment))
    desk.perform(desk.station.job_event(JobDone("another-job", "a file name"), desk.moment))
    assert events(desk) == []


# -- without a central system


@pytest.mark.parametrize("enabled", [True, False])
def test_without_a_central_system_nothing_is_stored_for_one(enabled: bool) -> None:
    port = FakePort()
    desk = Desk(port, CsmsSection(enabled=enabled))
    port.change(1, faults=frozenset({FaultCode.RCD}))
    desk.perform(desk.station.informed(InterlockTripped(EvseId(1), FaultCode.RCD, 0.0, ""), desk.moment))
    posts = {effect.action for effect in desk.effects if isinstance(effect, Post)}
    assert posts == ({"NotifyEvent", "SecurityEventNotification"} if enabled else set())
    assert any(isinstance(effect, WriteJournal) for effect in desk.effects)  # the security log has the start


def test_a_fault_is_reported_to_a_central_system_that_comes_later() -> None:
    port = FakePort()
    desk = Desk(port, CsmsSection(enabled=False))
    port.change(1, faults=frozenset({FaultCode.RCD}))
    desk.perform(desk.station.informed(InterlockTripped(EvseId(1), FaultCode.RCD, 0.0, ""), desk.moment))
    desk.due(100.0)
    desk.csms = CsmsSection()
    desk.restart()
    desk.effects.clear()
    desk.due(101.0)
    desk.due(110.0)
    codes = [
        event.get("techCode")
        for effect in desk.effects
        if isinstance(effect, Post) and effect.action == "NotifyEvent"
        for event in effect.payload["eventData"]
    ]
    assert FaultCode.RCD.name in codes
