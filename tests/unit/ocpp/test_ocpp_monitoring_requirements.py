"""Requirements of block N one by one, where no certification case and no other test shows them. Each test names its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.ocpp.blocks.effects import Post, Send
from chargepoint.ocpp.monitors import FIRST_HARD_WIRED_ID
from chargepoint.ocpp.version import OCPP_2_1
from tests.unit.ocpp.conftest import UTC0_S, Desk

if TYPE_CHECKING:
    from chargepoint.ocpp.blocks.effects import CallAnswer

POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
EVSE_STATE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
CONNECTOR_STATE = {
    "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
    "variable": {"name": "AvailabilityState"},
}
ATTEMPTS = {
    "component": {"name": "OCPPCommCtrlr"},
    "variable": {"name": "MessageAttempts", "instance": "TransactionEvent"},
}


def wanted(place: dict[str, Any], kind: str = "Delta", value: float = 1, severity: int = 5) -> dict[str, Any]:
    return {"type": kind, "value": value, "severity": severity, **place}


def results(desk: Desk, *data: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.ask("SetVariableMonitoring", {"setMonitoringData": list(data)})[
        "setMonitoringResult"
    ]
    return found


def given(desk: Desk, *data: dict[str, Any]) -> list[int]:
    """Monitors that are accepted; their ids."""
    found = results(desk, *data)
    assert [result["status"] for result in found] == ["Accepted"] * len(data)
    return [result["id"] for result in found]


def reported(desk: Desk, *selection: dict[str, Any]) -> set[int]:
    """The ids of the monitors in a report about these components and variables; empty for EmptyResultSet."""
    answer: CallAnswer = desk.answer("GetMonitoringReport", {"requestId": 1, "componentVariable": list(selection)})
    sends = desk.sends(answer)
    assert bool(sends) is (answer.payload["status"] == "Accepted")
    return {
        setting["id"] for send in sends for data in send.payload["monitor"] for setting in data["variableMonitoring"]
    }


# -- reports


def test_a_component_without_a_variable_stands_for_all_its_variables(desk: Desk) -> None:
    """N02.FR.16."""
    both = given(desk, wanted(POWER), wanted(EVSE_STATE))
    assert reported(desk, {"component": POWER["component"]}) == set(both)
    assert reported(desk, POWER) == {both[0]}


def test_a_variable_without_its_instance_stands_for_every_instance(desk: Desk) -> None:
    """N02.FR.17."""
    ids = given(desk, wanted(ATTEMPTS))
    assert reported(desk, {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageAttempts"}}) == set(ids)
    other = {"name": "MessageAttempts", "instance": "Another"}
    assert reported(desk, {"component": {"name": "OCPPCommCtrlr"}, "variable": other}) == set()


def test_an_evse_without_a_connector_stands_for_all_its_connectors(desk: Desk) -> None:
    """N02.FR.18."""
    ids = given(desk, wanted(CONNECTOR_STATE))
    assert reported(desk, {"component": {"name": "Connector", "evse": {"id": 1}}}) == set(ids)


def test_a_component_without_an_evse_stands_for_that_of_each_evse(two_evses: Desk) -> None:
    """N02.FR.19."""
    second = {"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "Power"}}
    ids = given(two_evses, wanted(POWER), wanted(second))
    assert reported(two_evses, {"component": {"name": "EVSE"}}) == set(ids)
    assert reported(two_evses, {"component": {"name": "EVSE", "evse": {"id": 2}}}) == {ids[1]}


def test_the_instance_of_a_component_is_part_of_its_name(desk: Desk) -> None:
    """N02.FR.20, FR.21: no component of this station has an instance, so one with an instance is another one."""
    ids = given(desk, wanted(POWER))
    assert reported(desk, {"component": {"name": "EVSE"}}) == set(ids)
    assert reported(desk, {"component": {"name": "EVSE", "instance": "left"}}) == set()


def test_more_components_than_a_message_may_have(desk: Desk) -> None:
    """N02.FR.07."""
    limit = desk.station.model.integer("DeviceDataCtrlr/ItemsPerMessage[GetReport]")
    request = {"requestId": 1, "componentVariable": [{"component": {"name": "EVSE"}}] * (limit + 1)}
    assert desk.refusal("GetMonitoringReport", request).code == "OccurrenceConstraintViolation"


# -- monitors set and cleared


@pytest.mark.parametrize("kind", ["UpperThreshold", "LowerThreshold"])
def test_a_threshold_needs_a_number_within_the_range_of_its_variable(desk: Desk, kind: str) -> None:
    """N04.FR.05, FR.06: each refused one leaves the good one alone."""
    found = results(
        desk,
        wanted(EVSE_STATE, kind),
        wanted(POWER, kind, 22_000.5),
        wanted(POWER, kind, -11_000.5),
        wanted(POWER, kind, 22_000),
    )
    assert [result["status"] for result in found] == ["UnsupportedMonitorType", "Rejected", "Rejected", "Accepted"]
    assert [result.get("id") is not None for result in found] == [False, False, False, True]


@pytest.mark.parametrize(
    ("action", "field", "item"),
    [("SetVariableMonitoring", "setMonitoringData", wanted(POWER)), ("ClearVariableMonitoring", "id", 1)],
)
def test_more_elements_than_a_message_may_have(desk: Desk, action: str, field: str, item: object) -> None:
    """N04.FR.09, N06.FR.06: nothing is set or cleared."""
    (kept,) = given(desk, wanted(POWER))
    limit = desk.station.model.integer(f"MonitoringCtrlr/ItemsPerMessage[{action}]")
    assert desk.refusal(action, {field: [item] * (limit + 1)}).code == "OccurrenceConstraintViolation"
    assert reported(desk, {"component": {"name": "EVSE"}}) == {kept}


# -- periodic events


def messages(desk: Desk, second: float) -> list[dict[str, Any]]:
    """The NotifyEvents of this second, stored or not."""
    desk.effects.clear()
    desk.due(second)
    return [e.payload for e in desk.effects if isinstance(e, Post | Send) and e.action == "NotifyEvent"]


def test_a_periodic_event_comes_each_interval_from_the_time_its_monitor_was_set(desk: Desk) -> None:
    """N08.FR.04, FR.06."""
    desk.port.change(1, power_W=5.0)
    (number,) = given(desk, wanted(POWER, "Periodic", 10))
    came = {second: messages(desk, float(second)) for second in range(31)}
    assert [second for second, found in came.items() if found] == [10, 20, 30]
    for (message,) in (found for found in came.values() if found):
        assert message["seqNo"] == 0
        assert [(e["variableMonitoringId"], e["trigger"]) for e in message["eventData"]] == [(number, "Periodic")]


def test_a_clock_aligned_event_comes_at_whole_intervals_of_the_clock(desk: Desk) -> None:
    """N08.FR.07: 900 s are a quarter of an hour, also for a monitor that is set 100 s after it."""
    assert UTC0_S % 900 == 0
    desk.port.change(1, power_W=5.0)
    desk.due(100.0)
    given(desk, wanted(POWER, "PeriodicClockAligned", 900))
    came = [second for second in range(100, 1900, 50) if messages(desk, float(second))]
    assert came == [900, 1800]


@pytest.mark.parametrize(("severity", "stored"), [(3, True), (4, False)])
def test_a_periodic_event_waits_offline_where_its_severity_permits(desk: Desk, severity: int, stored: bool) -> None:
    """N08.FR.03."""
    desk.port.change(1, power_W=5.0)
    assert desk.set("MonitoringCtrlr", "OfflineQueuingSeverity", "3") == "Accepted"
    given(desk, wanted(POWER, "Periodic", 10, severity))
    desk.due(1.0)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.effects.clear()
    desk.due(11.0)
    posts = [effect for effect in desk.effects if isinstance(effect, Post) and effect.action == "NotifyEvent"]
    assert bool(posts) is stored


# -- logs and customers


def test_a_log_that_is_not_there_is_rejected(desk: Desk) -> None:
    """N01.FR.05: a span of time without lines; with OCPP 2.1 also a kind of log that the station has not."""
    place = "http://127.0.0.1/logs/"
    span = {"oldestTimestamp": "2026-03-01T13:00:00Z", "latestTimestamp": "2026-03-01T12:00:00Z"}
    request = {"requestId": 1, "logType": "SecurityLog", "log": {"remoteLocation": place, **span}}
    assert desk.ask("GetLog", request)["status"] == "Rejected"
    if desk.version is OCPP_2_1:
        request = {"requestId": 2, "logType": "DataCollectorLog", "log": {"remoteLocation": place}}
        assert desk.ask("GetLog", request)["status"] == "Rejected"


def test_logs_travel_over_http_with_and_without_tls(desk: Desk) -> None:
    """N01.FR.14."""
    protocols = desk.station.model.members("OCPPCommCtrlr/FileTransferProtocols")
    assert {"HTTP", "HTTPS"} <= set(protocols)
    for number, scheme in enumerate(("http", "https")):
        request = {
            "requestId": number,
            "logType": "DiagnosticsLog",
            "log": {"remoteLocation": f"{scheme}://127.0.0.1/logs/"},
        }
        assert desk.ask("GetLog", request)["status"] in ("Accepted", "AcceptedCanceled")


def test_a_request_that_neither_reports_nor_clears_is_rejected(desk: Desk) -> None:
    """N10.FR.07."""
    request = {"requestId": 1, "report": False, "clear": False, "customerIdentifier": "me"}
    answer = desk.answer("CustomerInformation", request)
    assert answer.payload["status"] == "Rejected"
    assert desk.sends(answer) == []


def test_the_hard_wired_monitor_is_of_no_evse(desk: Desk) -> None:
    """N02.FR.19: a report about every EVSE does not have it."""
    assert FIRST_HARD_WIRED_ID not in reported(desk, {"component": {"name": "EVSE"}})
    assert reported(desk, {"component": {"name": "ChargingStation"}}) == {FIRST_HARD_WIRED_ID}
