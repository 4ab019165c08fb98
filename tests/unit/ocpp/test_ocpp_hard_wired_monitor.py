"""The hard-wired monitor on Problem of the station: nobody clears it, and it reports the first fault and the end of the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.effects import Post
from chargepoint.ocpp.monitors import FIRST_HARD_WIRED_ID

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

PROBLEM = {"component": {"name": "ChargingStation"}, "variable": {"name": "Problem"}}


def problems(desk: Desk) -> list[str]:
    """The values of the hard-wired monitor's events since the last question."""
    found = [
        event["actualValue"]
        for effect in desk.effects
        if isinstance(effect, Post) and effect.action == "NotifyEvent"
        for event in effect.payload["eventData"]
        if event.get("variableMonitoringId") == FIRST_HARD_WIRED_ID
    ]
    desk.effects.clear()
    return found


def trip(desk: Desk, code: FaultCode) -> None:
    desk.port.change(1, faults=desk.port.evses[0].faults | {code})
    desk.perform(desk.station.informed(InterlockTripped(EvseId(1), code, desk.now_s, ""), desk.moment))


def clear(desk: Desk, code: FaultCode) -> None:
    desk.port.change(1, faults=desk.port.evses[0].faults - {code})
    desk.perform(desk.station.informed(FaultCleared(EvseId(1), code, desk.now_s), desk.moment))


def reported(desk: Desk) -> list[dict[str, Any]]:
    sends = desk.sends(desk.answer("GetMonitoringReport", {"requestId": 1}))
    return [data for send in sends for data in send.payload["monitor"]]


def test_the_first_fault_and_the_end_of_the_last_one_are_its_events(desk: Desk) -> None:
    trip(desk, FaultCode.RCD)
    assert problems(desk) == ["true"]
    trip(desk, FaultCode.DOOR_OPEN)
    clear(desk, FaultCode.RCD)
    assert problems(desk) == []
    clear(desk, FaultCode.DOOR_OPEN)
    assert problems(desk) == ["false"]


def test_its_event_names_the_monitor(desk: Desk) -> None:
    desk.effects.clear()
    trip(desk, FaultCode.RCD)
    (post,) = [effect for effect in desk.effects if isinstance(effect, Post)]
    event = post.payload["eventData"][-1]
    assert event["trigger"] == "Delta"
    assert event["eventNotificationType"] == "HardWiredMonitor"
    assert {name: event[name] for name in PROBLEM} == PROBLEM
    assert desk.station.model.text("ChargingStation/Problem") == "true"


@pytest.mark.parametrize("base", ["All", "FactoryDefault", "HardWiredOnly"])
def test_every_base_leaves_it_alone(desk: Desk, base: str) -> None:
    assert desk.ask("SetMonitoringBase", {"monitoringBase": base})["status"] == "Accepted"
    ids = [setting["id"] for data in reported(desk) for setting in data["variableMonitoring"]]
    assert FIRST_HARD_WIRED_ID in ids
    assert (ids == [FIRST_HARD_WIRED_ID]) is (base == "HardWiredOnly")


def test_it_is_neither_cleared_nor_replaced(desk: Desk) -> None:
    """TC_N_44_CS, N06.FR.03, N04.FR.18."""
    (result,) = desk.ask("ClearVariableMonitoring", {"id": [FIRST_HARD_WIRED_ID]})["clearMonitoringResult"]
    assert (result["id"], result["status"]) == (FIRST_HARD_WIRED_ID, "Rejected")
    data = {"id": FIRST_HARD_WIRED_ID, "value": 1, "type": "Delta", "severity": 8, **PROBLEM}
    (result,) = desk.ask("SetVariableMonitoring", {"setMonitoringData": [data]})["setMonitoringResult"]
    assert result["status"] == "Rejected"
    (setting,) = reported(desk)[0]["variableMonitoring"]
    assert setting["severity"] == 4


def test_faults_of_an_earlier_process_are_one_change(desk: Desk) -> None:
    desk.port.change(1, faults=frozenset({FaultCode.RCD, FaultCode.DOOR_OPEN}))
    desk.due(1.0)
    problems(desk)
    desk.due(10.0)
    assert problems(desk) == ["true"]


def test_the_level_holds_for_it(desk: Desk) -> None:
    desk.ask("SetMonitoringLevel", {"severity": 3})
    trip(desk, FaultCode.RCD)
    assert problems(desk) == []
