"""B05, B06, B08: what a request names exactly, what it leaves out, and what is too much."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.ocpp.variables.communication import MAX_ITEMS
from tests.unit.ocpp.conftest import Desk, FakePort, idle_evse
from tests.unit.ocpp.test_ocpp_device_model import ask, rows


@pytest.fixture
def desk() -> Desk:
    """Two EVSEs, one connector each."""
    return Desk(FakePort([idle_evse(1), idle_evse(2)]))


def report(desk: Desk, component: dict[str, Any], variable: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    selection = {"component": component, **({} if variable is None else {"variable": variable})}
    return rows(desk, "GetReport", {"componentVariable": [selection]})


def places(reported: list[dict[str, Any]]) -> set[tuple[int | None, int | None]]:
    """EVSE and connector of each row."""
    evses = [row["component"].get("evse", {}) for row in reported]
    return {(evse.get("id"), evse.get("connectorId")) for evse in evses}


@pytest.mark.parametrize(("value", "reason"), [("0", "ValueTooLow"), ("86401", "ValueTooHigh")])
def test_a_value_outside_its_range_is_rejected(desk: Desk, value: str, reason: str) -> None:
    """B05.FR.08."""
    data = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "HeartbeatInterval"},
        "attributeValue": value,
    }
    [result] = desk.ask("SetVariables", {"setVariableData": [data]})["setVariableResult"]
    assert (result["attributeStatus"], result["attributeStatusInfo"]["reasonCode"]) == ("Rejected", reason)
    assert desk.variables == {}


def test_a_variable_that_nobody_may_read(desk: Desk) -> None:
    """B06.FR.09."""
    desk.set("SecurityCtrlr", "BasicAuthPassword", "0123456789abcdef")
    result = ask(desk, {"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"})
    assert result["attributeStatus"] == "Rejected"
    assert "attributeValue" not in result


def test_a_value_that_is_not_there_is_an_empty_text(desk: Desk) -> None:
    """B06.FR.13: never set, or a car's target while no car is there."""
    assert ask(desk, {"name": "SecurityCtrlr"}, {"name": "OrganizationName"})["attributeValue"] == ""
    car = {"name": "ConnectedEV", "evse": {"id": 1}}
    assert ask(desk, car, {"name": "DCCurrent"}, attributeType="Target")["attributeValue"] == ""


def test_an_instance_is_named_or_unknown(desk: Desk) -> None:
    """B06.FR.14, FR.15."""
    component = {"name": "DeviceDataCtrlr"}
    named = {"name": "ItemsPerMessage", "instance": "GetReport"}
    assert ask(desk, component, named)["attributeValue"] == str(MAX_ITEMS)
    for variable in ({"name": "ItemsPerMessage"}, {"name": "ItemsPerMessage", "instance": ""}):
        assert ask(desk, component, variable)["attributeStatus"] == "UnknownVariable"


@pytest.mark.parametrize(
    ("action", "field", "more"),
    [("GetVariables", "getVariableData", {}), ("GetReport", "componentVariable", {"requestId": 1})],
)
def test_more_elements_than_the_variable_allows(desk: Desk, action: str, field: str, more: dict[str, Any]) -> None:
    """B06.FR.16, B08.FR.06, FR.17."""
    most = int(desk.station.model.text(f"DeviceDataCtrlr/ItemsPerMessage[{action}]"))
    element = {"component": {"name": "ChargingStation"}, "variable": {"name": "Model"}}
    desk.answer(action, {field: [element] * most, **more})
    assert desk.refusal(action, {field: [element] * (most + 1), **more}).code == "OccurrenceConstraintViolation"


def test_without_a_variable_all_of_the_component(desk: Desk) -> None:
    """B08.FR.20; without its instance all instances of the variable (B08.FR.21)."""
    everything = rows(desk, "GetBaseReport", {"reportBase": "FullInventory"})
    of_it = [row for row in everything if row["component"] == {"name": "ClockCtrlr"}]
    assert report(desk, {"name": "ClockCtrlr"}) == of_it
    assert len(of_it) > 1
    limits = report(desk, {"name": "DeviceDataCtrlr"}, {"name": "ItemsPerMessage"})
    assert {row["variable"]["instance"] for row in limits} == {"GetReport", "GetVariables", "SetVariables"}
    [one] = report(desk, {"name": "DeviceDataCtrlr"}, {"name": "ItemsPerMessage", "instance": "GetVariables"})
    assert one["variable"]["instance"] == "GetVariables"


def test_without_an_evse_every_place_of_the_component(desk: Desk) -> None:
    """B08.FR.22 (every connector of the EVSE), B08.FR.23 (every EVSE, and the top where the component is there too)."""
    assert places(report(desk, {"name": "Connector", "evse": {"id": 2}})) == {(2, 1)}
    assert places(report(desk, {"name": "Connector"})) == {(1, 1), (2, 1)}
    assert places(report(desk, {"name": "EVSE"})) == {(1, None), (2, None)}


def test_the_instance_of_a_component(desk: Desk) -> None:
    """B08.FR.24, FR.25: no component of this station has an instance, so naming one finds none, and leaving it out finds all."""
    selection = [{"component": {"name": "EVSE", "instance": "left"}}]
    answer = desk.ask("GetReport", {"requestId": 1, "componentVariable": selection})
    assert answer["status"] == "EmptyResultSet"
    assert len(report(desk, {"name": "EVSE"})) == 2 * len(report(desk, {"name": "EVSE", "evse": {"id": 1}}))
