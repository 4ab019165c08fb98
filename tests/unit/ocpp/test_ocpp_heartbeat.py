"""When a Heartbeat is sent."""

from __future__ import annotations

from tests.unit.ocpp.conftest import Desk

DAY_S = 86_400.0


def test_the_interval_of_the_answer_counts_and_the_variable_changes_it(desk: Desk) -> None:
    """G02.FR.01, FR.02."""
    desk.accept(interval=120)
    desk.reported()
    assert desk.due(119.0) == []
    assert desk.due(120.0) == ["Heartbeat"]
    assert desk.due(239.0) == []
    assert desk.due(240.0) == ["Heartbeat"]
    assert desk.set("OCPPCommCtrlr", "HeartbeatInterval", "30") == "Accepted"
    assert desk.due(269.0) == []
    assert desk.due(270.0) == ["Heartbeat"]


def test_other_messages_do_not_put_it_off(desk: Desk) -> None:
    """G02.FR.07: at least one Heartbeat a day, because the interval is at most a day and nothing makes it longer."""
    assert desk.set("OCPPCommCtrlr", "HeartbeatInterval", str(int(DAY_S) + 1)) == "Rejected"
    assert desk.set("OCPPCommCtrlr", "HeartbeatInterval", str(int(DAY_S))) == "Accepted"
    desk.reported()
    sent = []
    for hour in range(1, 49):
        desk.now_s = hour * 3600.0
        trigger = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
        assert desk.ask("TriggerMessage", trigger)["status"] == "Accepted"
        sent += [(hour, action) for action in desk.due() if action == "Heartbeat"]
    assert sent == [(24, "Heartbeat"), (48, "Heartbeat")]
