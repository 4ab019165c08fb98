"""Variables: the right status for every way to ask, checked values, reports in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.ocpp.device_model import Mutability

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def ask(desk: Desk, component: dict[str, Any], variable: dict[str, Any], **more: Any) -> dict[str, Any]:
    data = {"component": component, "variable": variable, **more}
    result: dict[str, Any] = desk.ask("GetVariables", {"getVariableData": [data]})["getVariableResult"][0]
    assert result["component"] == component
    assert result["variable"] == variable
    return result


@pytest.mark.parametrize(
    ("component", "variable", "more", "status", "value"),
    [
        ({"name": "ChargingStation"}, {"name": "Model"}, {}, "Accepted", "bidi-1"),
        ({"name": "chargingstation"}, {"name": "MODEL"}, {"attributeType": "Actual"}, "Accepted", "bidi-1"),
        ({"name": "EVSE", "evse": {"id": 1}}, {"name": "AvailabilityState"}, {}, "Accepted", "Available"),
        (
            {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            {"name": "ConnectorType"},
            {},
            "Accepted",
            "cCCS2",
        ),
        ({"name": "ClockCtrlr"}, {"name": "DateTime"}, {}, "Accepted", "2026-03-01T12:00:00.000Z"),
        ({"name": "ChargingStation"}, {"name": "FirmwareVersion"}, {}, "Accepted", "9.9"),
        ({"name": "SmartChargingCtrlr"}, {"name": "Entries", "instance": "ChargingProfiles"}, {}, "Accepted", "0"),
        ({"name": "EVSE", "evse": {"id": 1}}, {"name": "Power"}, {}, "Rejected", ""),
        ({"name": "EVSE", "evse": {"id": 7}}, {"name": "Power"}, {}, "UnknownComponent", None),
        ({"name": "EVSE"}, {"name": "Power"}, {}, "UnknownComponent", None),
        ({"name": "EVSE", "evse": {"id": 1, "connectorId": 1}}, {"name": "Power"}, {}, "UnknownComponent", None),
        ({"name": "Sauna"}, {"name": "Power"}, {}, "UnknownComponent", None),
        ({"name": "ChargingStation", "instance": "x"}, {"name": "Model"}, {}, "UnknownComponent", None),
        ({"name": "ChargingStation"}, {"name": "Colour"}, {}, "UnknownVariable", None),
        ({"name": "OCPPCommCtrlr"}, {"name": "MessageTimeout"}, {}, "UnknownVariable", None),
        (
            {"name": "ChargingStation"},
            {"name": "Model"},
            {"attributeType": "Target"},
            "NotSupportedAttributeType",
            None,
        ),
        ({"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"}, {}, "Rejected", None),
    ],
)
def test_get(desk: Desk, component: Any, variable: Any, more: Any, status: str, value: str | None) -> None:
    result = ask(desk, component, variable, **more)
    assert (result["attributeStatus"], result.get("attributeValue")) == (status, value)
    assert result["attributeType"] == more.get("attributeType", "Actual")


@pytest.mark.parametrize(
    ("component", "variable", "value", "status"),
    [
        ("OCPPCommCtrlr", "HeartbeatInterval", "60", "Accepted"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "0", "Rejected"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "1e9", "Rejected"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "99999999", "Rejected"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "9" * 900, "Rejected"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "", "Rejected"),
        ("OCPPCommCtrlr", "NetworkConfigurationPriority", "1", "RebootRequired"),
        ("OCPPCommCtrlr", "NetworkConfigurationPriority", "1,2", "Rejected"),
        ("AuthCtrlr", "AuthorizeRemoteStart", "true", "Accepted"),
        ("AuthCtrlr", "AuthorizeRemoteStart", "yes", "Rejected"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", "SoC,Voltage", "Accepted"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", "", "Accepted"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", "SoC,SoC", "Rejected"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", "Mood", "Rejected"),
        ("V2XChargingCtrlr", "NegativeLimitMeaning", "Setpoint", "Accepted"),
        ("V2XChargingCtrlr", "NegativeLimitMeaning", "Nothing", "Rejected"),
        ("SecurityCtrlr", "OrganizationName", "x" * 65, "Rejected"),
        ("SecurityCtrlr", "BasicAuthPassword", "0123456789abcde", "Rejected"),
        ("ChargingStation", "Model", "other", "Rejected"),
        ("ChargingStation", "Colour", "red", "UnknownVariable"),
        ("Sauna", "Colour", "red", "UnknownComponent"),
    ],
)
def test_set(desk: Desk, component: str, variable: str, value: str, status: str) -> None:
    assert desk.set(component, variable, value) == status
    taken = status in ("Accepted", "RebootRequired")
    assert desk.variables == ({f"{component}/{variable}": value} if taken else {})
    desk.restart()
    if taken:
        assert ask(desk, {"name": component}, {"name": variable})["attributeValue"] == value


def test_a_stored_value_that_is_not_taken_any_more_is_forgotten(desk: Desk) -> None:
    desk.stored["variables"] = {
        "OCPPCommCtrlr/OfflineThreshold": "a while",
        "OCPPCommCtrlr/QueueAllMessages": "true",
        "Gone/Away": "1",
        "TxCtrlr/EVConnectionTimeOut": 7,
    }
    desk.restart()
    for component, variable, value in (
        ("OCPPCommCtrlr", "OfflineThreshold", "60"),
        ("OCPPCommCtrlr", "QueueAllMessages", "false"),
        ("TxCtrlr", "EVConnectionTimeOut", "120"),
    ):
        assert ask(desk, {"name": component}, {"name": variable})["attributeValue"] == value


def test_heartbeat_interval_is_obeyed_at_once(desk: Desk) -> None:
    assert desk.registration.deadline_s == 300.0
    desk.now_s = 10.0
    desk.set("OCPPCommCtrlr", "HeartbeatInterval", "30")
    assert desk.registration.deadline_s == 40.0


def test_too_many_items(desk: Desk) -> None:
    data = {"component": {"name": "EVSE"}, "variable": {"name": "Power"}}
    refusal = desk.refusal("GetVariables", {"getVariableData": [data] * 101})
    assert refusal.code == "OccurrenceConstraintViolation"


def rows(desk: Desk, action: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    answer = desk.answer(action, {"requestId": 3, **payload})
    pages = [send.payload for send in desk.sends(answer)]
    assert [p["seqNo"] for p in pages] == list(range(len(pages)))
    assert [p["tbc"] for p in pages[:-1]] == [True] * (len(pages) - 1)
    assert not pages[-1]["tbc"]
    assert {p["requestId"] for p in pages} == {3}
    return [row for page in pages for row in page["reportData"]]


def test_inventories(desk: Desk) -> None:
    full = rows(desk, "GetBaseReport", {"reportBase": "FullInventory"})
    settable = rows(desk, "GetBaseReport", {"reportBase": "ConfigurationInventory"})
    summary = rows(desk, "GetBaseReport", {"reportBase": "SummaryInventory"})
    assert len(full) > len(settable) > len(summary) > 0
    assert all(r["variableAttribute"][0]["mutability"] != Mutability.READ_ONLY.value for r in settable)
    secret = next(r for r in full if r["variable"]["name"] == "BasicAuthPassword")
    assert "value" not in secret["variableAttribute"][0]
    power = next(r for r in full if r["variable"]["name"] == "Power")
    assert power["variableCharacteristics"]["maxLimit"] == 22_000
    keys = [str((r["component"], r["variable"])) for r in full]
    assert len(set(keys)) == len(keys)


def test_custom_reports(desk: Desk) -> None:
    evse = {"component": {"name": "EVSE"}}
    assert {r["component"]["name"] for r in rows(desk, "GetReport", {"componentVariable": [evse]})} == {"EVSE"}
    one: dict[str, dict[str, str]] = {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage"}}
    assert len(rows(desk, "GetReport", {"componentVariable": [one]})) == 3
    one["variable"]["instance"] = "GetReport"
    assert len(rows(desk, "GetReport", {"componentVariable": [one]})) == 1
    everything = rows(desk, "GetBaseReport", {"reportBase": "FullInventory"})
    no_car = [row for row in everything if row["component"]["name"] != "ConnectedEV"]  # Available is false (B08.FR.08)
    assert len(rows(desk, "GetReport", {"componentCriteria": ["Available"]})) == len(no_car)
    assert desk.ask("GetReport", {"requestId": 1, "componentCriteria": ["Problem"]})["status"] == "EmptyResultSet"


def test_v2x_is_told_as_it_is(desk: Desk) -> None:
    def told(name: str) -> str:
        value: str = ask(desk, {"name": "V2XChargingCtrlr"}, {"name": name})["attributeValue"]
        return value

    assert (told("Available"), told("Enabled")) == ("true", "true")
    desk.set("V2XChargingCtrlr", "V2XOver201", "false")
    desk.port.change(1, discharge_max_W=0.0)
    assert (told("Available"), told("Enabled")) == ("false", "false")
