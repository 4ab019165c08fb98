"""A connector lock that fails: the central system is notified of the lock itself, as of its EVSE."""

from __future__ import annotations

from typing import Any

from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.effects import Post
from tests.unit.ocpp.conftest import Desk

LOCK = {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}}


def events(desk: Desk) -> list[dict[str, Any]]:
    """Since the last question."""
    found = [
        event
        for effect in desk.effects
        if isinstance(effect, Post) and effect.action == "NotifyEvent"
        for event in effect.payload["eventData"]
    ]
    desk.effects.clear()
    return found


def value(desk: Desk) -> str:
    data = [{"component": LOCK, "variable": {"name": "Problem"}}]
    (result,) = desk.ask("GetVariables", {"getVariableData": data})["getVariableResult"]
    assert result["attributeStatus"] == "Accepted"
    return str(result["attributeValue"])


def test_the_lock_is_named_when_it_fails_and_when_it_is_well_again(desk: Desk) -> None:
    """G05.FR.02, in the form of TC_G_20: the first event of the message is that of the lock."""
    desk.effects.clear()
    assert value(desk) == "false"
    desk.port.change(1, faults=frozenset({FaultCode.CONNECTOR_LOCK}))
    desk.perform(desk.station.informed(InterlockTripped(EvseId(1), FaultCode.CONNECTOR_LOCK, 0.0, ""), desk.moment))
    first, *others = events(desk)
    assert (first["trigger"], first["component"], first["variable"]["name"]) == ("Delta", LOCK, "Problem")
    assert (first["actualValue"], first["cleared"]) == ("true", False)
    assert [event["component"]["name"] for event in others] == ["EVSE", "ChargingStation"]
    assert value(desk) == "true"
    desk.port.change(1, faults=frozenset())
    desk.perform(desk.station.informed(FaultCleared(EvseId(1), FaultCode.CONNECTOR_LOCK, 0.0), desk.moment))
    assert (events(desk)[0]["actualValue"], value(desk)) == ("false", "false")


def test_another_fault_is_none_of_the_lock(desk: Desk) -> None:
    desk.effects.clear()
    desk.port.change(1, faults=frozenset({FaultCode.RCD}))
    desk.perform(desk.station.informed(InterlockTripped(EvseId(1), FaultCode.RCD, 0.0, ""), desk.moment))
    assert LOCK["name"] not in [event["component"]["name"] for event in events(desk)]
    assert value(desk) == "false"
