"""Monitoring: what the central system may set, what triggers, what is stored, and that each fault arrives by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.faults import CATALOGUE, FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus
from chargepoint.ocpp.blocks.effects import Post, Send, VariableSet
from chargepoint.ocpp.blocks.event_notices import QUEUED_MAX
from chargepoint.ocpp.blocks.fault_events import RECONCILE_S
from chargepoint.ocpp.monitors import FIRST_HARD_WIRED_ID
from chargepoint.ocpp.variables.monitoring import MAX_ITEMS, MAX_MONITORS

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

POWER = ("EVSE", "Power", 1)
STATE = ("EVSE", "AvailabilityState", 1)


def monitor(kind: str, value: float, place: tuple[str, str, int | None] = POWER, **more: Any) -> dict[str, Any]:
    component, variable, evse_id = place
    evse = {} if evse_id is None else {"evse": {"id": evse_id}}
    return {
        "type": kind,
        "value": value,
        "severity": 5,
        "component": {"name": component, **evse},
        "variable": {"name": variable},
        **more,
    }


def set_monitors(desk: Desk, *wanted: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = desk.ask("SetVariableMonitoring", {"setMonitoringData": list(wanted)})[
        "setMonitoringResult"
    ]
    return results


def set_one(desk: Desk, *args: Any, **more: Any) -> int:
    (result,) = set_monitors(desk, monitor(*args, **more))
    assert result["status"] == "Accepted", result
    return int(result["id"])


def events(desk: Desk) -> list[dict[str, Any]]:
    """The eventData of every NotifyEvent since the last call."""
    found = [e for e in desk.effects if isinstance(e, Post | Send) and e.action == "NotifyEvent"]
    desk.effects.clear()
    return [event for message in found for event in message.payload["eventData"]]


def at(desk: Desk, second: float, power_W: float | None = None) -> list[dict[str, Any]]:
    """Time passes to this second; what was notified."""
    if power_W is not None:
        desk.port.change(1, power_W=power_W)
    desk.due(second)
    return events(desk)


def report(desk: Desk, **request: Any) -> list[dict[str, Any]]:
    answer = desk.answer("GetMonitoringReport", {"requestId": 7, **request})
    sends = desk.sends(answer)
    assert [(s.action, s.payload["requestId"], s.payload["seqNo"]) for s in sends] == [
        ("NotifyMonitoringReport", 7, number) for number in range(len(sends))
    ]
    assert [s.payload["tbc"] for s in sends] == [True] * (len(sends) - 1) + [False] * bool(sends)
    return [m for s in sends for data in s.payload["monitor"] for m in data["variableMonitoring"]]


# -- what triggers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "limit", "inside", "beyond"), [("UpperThreshold", 5000, 5000, 5001), ("LowerThreshold", -3000, -3000, -3001)]
)  # fmt: skip
def test_a_threshold_alerts_once_and_clears(desk: Desk, kind: str, limit: float, inside: float, beyond: float) -> None:
    number = set_one(desk, kind, limit)
    assert at(desk, 1.0, inside) == []  # N07.FR.16: not on the threshold
    (event,) = at(desk, 2.0, beyond)
    assert (event["trigger"], event["actualValue"], event["cleared"]) == ("Alerting", str(float(beyond)), False)
    assert (event["variableMonitoringId"], event["eventNotificationType"]) == (number, "CustomMonitor")
    assert event["component"] == {"name": "EVSE", "evse": {"id": 1}} and event["variable"] == {"name": "Power"}
    assert at(desk, 3.0, beyond) == []
    (event,) = at(desk, 4.0, inside)
    assert event["cleared"] is True  # N07.FR.02


def test_a_threshold_passed_before_a_restart_clears_after_it(desk: Desk) -> None:
    set_one(desk, "UpperThreshold", 5000)
    assert len(at(desk, 1.0, 6000)) == 1
    desk.restart()
    desk.accept()
    events(desk)
    assert at(desk, 3.0, 6000) == []
    (event,) = at(desk, 5.0, 10)
    assert event["cleared"] is True  # N07.FR.14


def test_a_delta_counts_from_the_value_notified_last(desk: Desk) -> None:
    desk.port.change(1, power_W=100.0)
    set_one(desk, "Delta", 50)
    assert [len(at(desk, s, p)) for s, p in ((1.0, 100), (2.0, 150), (3.0, 151), (4.0, 101), (5.0, 100))] == [
        0,
        0,
        1,
        0,
        1,
    ]


def test_a_delta_of_a_text_triggers_on_every_change(desk: Desk) -> None:
    number = set_one(desk, "Delta", 1, STATE)
    assert at(desk, 1.0) == []
    desk.change_status(1, ConnectorStatus.OCCUPIED)
    (event,) = at(desk, 2.0)
    assert (event["trigger"], event["actualValue"], event["variableMonitoringId"]) == ("Delta", "Occupied", number)
    assert "cleared" not in event
    assert at(desk, 3.0) == []


def test_an_unknown_value_is_no_number(desk: Desk) -> None:
    set_one(desk, "LowerThreshold", 5)
    desk.port.change(1, power_W=None)
    assert at(desk, 1.0) == []


def test_a_period_begins_when_it_is_set(desk: Desk) -> None:
    desk.now_s = 100.5
    set_one(desk, "Periodic", 60)
    desk.port.change(1, power_W=7.0)
    desk.due()
    assert desk.station.deadline_s == pytest.approx(160.5)
    assert [len(at(desk, s)) for s in (160.0, 160.6, 161.0, 220.0, 220.5, 1000.0, 1001.0)] == [0, 1, 0, 0, 1, 1, 0]


def test_a_clock_aligned_period(desk: Desk) -> None:
    desk.now_s = 100.5  # 12:01:40.5
    set_one(desk, "PeriodicClockAligned", 900)
    desk.port.change(1, power_W=7.0)
    assert [len(at(desk, s)) for s in (101.0, 899.0, 900.0, 901.0, 1799.0, 1800.2)] == [0, 0, 1, 0, 0, 1]


def test_a_monitor_of_transactions_sleeps_without_one(desk: Desk) -> None:
    set_one(desk, "UpperThreshold", 5000, transaction=True)
    set_one(desk, "Periodic", 10, transaction=True)
    assert at(desk, 1.0, 9000) == []
    assert at(desk, 50.0, 9000) == []
    deadline_s = desk.station.deadline_s
    assert deadline_s is not None and deadline_s > 50.0  # the daemon does not spin
    desk.port.begin(at_s=50.0)
    (event,) = at(desk, 51.0, 9000)
    assert event["transactionId"] == "tx-1"
    assert [e["trigger"] for e in at(desk, 61.0)] == ["Periodic"]


def test_without_monitors_nothing_is_read(desk: Desk) -> None:
    desk.reported()
    before = desk.station.deadline_s
    number = set_one(desk, "UpperThreshold", 5000)
    at(desk, 10.0)
    assert desk.station.deadline_s == pytest.approx(11.0)
    assert desk.ask("ClearVariableMonitoring", {"id": [number]})["clearMonitoringResult"][0]["status"] == "Accepted"
    assert desk.station.deadline_s == before


def test_a_written_value_that_nobody_may_read_is_not_in_the_event(desk: Desk) -> None:
    number = set_one(desk, "Delta", 1, ("SecurityCtrlr", "BasicAuthPassword", None))
    key = "SecurityCtrlr/BasicAuthPassword"
    desk.perform(desk.station.informed(VariableSet(key, "secret-of-16-char"), desk.moment))
    (event,) = events(desk)
    assert (event["variableMonitoringId"], event["actualValue"]) == (number, "")  # N07.FR.10
    assert "secret" not in str(event)


# -- what may be set -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (monitor("Delta", 1, ("Nothing", "Power", 1)), "UnknownComponent"),
        (monitor("Delta", 1, ("EVSE", "Power", 9)), "UnknownComponent"),
        (monitor("Delta", 1, ("EVSE", "Colour", 1)), "UnknownVariable"),
        (monitor("UpperThreshold", 1, STATE), "UnsupportedMonitorType"),
        (monitor("Periodic", 60, ("SecurityCtrlr", "BasicAuthPassword", None)), "UnsupportedMonitorType"),
        (monitor("Delta", 1, ("ChargingStation", "Model", None)), "UnsupportedMonitorType"),
        (monitor("UpperThreshold", 22_001), "Rejected"),
        (monitor("LowerThreshold", -11_001), "Rejected"),
        (monitor("Delta", -1), "Rejected"),
        (monitor("Periodic", 0), "Rejected"),
        (monitor("Periodic", 1e300), "Rejected"),
        (monitor("Delta", 1, severity=10), "Rejected"),
        (monitor("Delta", 1, id=77), "Rejected"),
    ],
)
def test_refused(desk: Desk, data: dict[str, Any], status: str) -> None:
    good = monitor("Delta", 5)
    results = set_monitors(desk, data, good)
    assert [r["status"] for r in results] == [status, "Accepted"]
    assert "id" not in results[0]
    assert {k: results[0][k] for k in ("type", "severity", "component", "variable")} == {
        k: data[k] for k in ("type", "severity", "component", "variable")
    }  # N04.FR.02
    assert len(desk.kept("monitors")) == 1


def test_duplicates_and_replacements(desk: Desk) -> None:
    first = set_one(desk, "UpperThreshold", 5000)
    results = set_monitors(
        desk,
        monitor("UpperThreshold", 6000),  # N04.FR.10
        monitor("UpperThreshold", 6000, severity=6),
        monitor("UpperThreshold", 7000, severity=6),
        monitor("UpperThreshold", 7000, id=first),  # N04.FR.12
        monitor("Delta", 1, STATE, id=first),  # N04.FR.16
    )
    assert [r["status"] for r in results] == ["Duplicate", "Accepted", "Duplicate", "Accepted", "Rejected"]
    found = report(desk, monitoringCriteria=["ThresholdMonitoring"])
    assert [(m["value"], m["severity"]) for m in found] == [(7000, 5), (6000, 6)]


def test_a_replaced_threshold_clears_or_alerts(desk: Desk) -> None:
    number = set_one(desk, "UpperThreshold", 5000)
    assert len(at(desk, 1.0, 6000)) == 1
    set_one(desk, "UpperThreshold", 5500, id=number)
    assert at(desk, 1.0) == []
    set_one(desk, "UpperThreshold", 7000, id=number)  # N07.FR.11
    assert [e["cleared"] for e in at(desk, 1.0)] == [True]
    set_one(desk, "UpperThreshold", 5999, id=number)
    assert [e["cleared"] for e in at(desk, 1.0)] == [False]


def test_one_more_than_there_is_room_for(desk: Desk) -> None:
    for page in range(0, MAX_MONITORS, MAX_ITEMS):
        place = POWER if page else STATE
        rows = ("Periodic", "PeriodicClockAligned", "Delta")
        wanted = [monitor(kind, 60, place, severity=s) for kind in rows for s in range(10)]
        set_monitors(desk, *wanted)
    rest = [
        monitor(kind, 60, place, severity=s)
        for place in (("EVSE", "Problem", 1), ("ChargingStation", "AvailabilityState", None))
        for kind in ("Periodic", "PeriodicClockAligned", "Delta")
        for s in range(10)
    ]
    results = set_monitors(desk, *rest[:30]) + set_monitors(desk, *rest[30:])
    assert len(desk.kept("monitors")) == MAX_MONITORS
    assert [r["status"] for r in results] == ["Accepted"] * 40 + ["Rejected"] * 20
    assert results[-1]["statusInfo"]["reasonCode"] == "OutOfStorage"


def test_too_many_elements_in_one_message(desk: Desk) -> None:
    wanted = [monitor("Delta", 1)] * (MAX_ITEMS + 1)
    assert desk.refusal("SetVariableMonitoring", {"setMonitoringData": wanted}).code == "OccurrenceConstraintViolation"
    assert desk.refusal("ClearVariableMonitoring", {"id": list(range(MAX_ITEMS + 1))}).code == (
        "OccurrenceConstraintViolation"
    )


def test_clearing(desk: Desk) -> None:
    number = set_one(desk, "UpperThreshold", 5000)
    assert len(at(desk, 1.0, 6000)) == 1
    desk.ask("SetMonitoringBase", {"monitoringBase": "All"})
    preconfigured = next(m["id"] for m in report(desk) if m["id"] != number)
    results = desk.ask("ClearVariableMonitoring", {"id": [number, number, 4711, preconfigured]})
    assert [r["status"] for r in results["clearMonitoringResult"]] == ["Accepted", "NotFound", "NotFound", "Rejected"]
    assert at(desk, 2.0, 10) == []  # N07.FR.12


# -- base, level, report -------------------------------------------------------------------------------------------------


def test_the_three_bases(desk: Desk) -> None:
    def ids() -> list[int]:
        return [m["id"] for m in report(desk)]

    def base(name: str) -> str:
        assert desk.ask("SetMonitoringBase", {"monitoringBase": name})["status"] == "Accepted"
        return desk.station.model.text("MonitoringCtrlr/ActiveMonitoringBase")

    wired = FIRST_HARD_WIRED_ID
    assert ids() == [wired]
    custom = set_one(desk, "UpperThreshold", 5000)
    assert (base("All"), ids()) == ("All", [1, wired, custom])  # N03.FR.03
    assert set_one(desk, "Delta", 1, STATE, id=1, severity=8) == 1  # N04.FR.15
    assert [m["severity"] for m in report(desk) if m["id"] == 1] == [8]
    assert (base("FactoryDefault"), ids()) == ("FactoryDefault", [1, wired])  # N03.FR.04
    assert [m["severity"] for m in report(desk) if m["id"] == 1] == [7]
    set_one(desk, "UpperThreshold", 5000)
    assert (base("HardWiredOnly"), ids()) == ("HardWiredOnly", [wired])  # N03.FR.05
    desk.restart()
    assert desk.station.model.text("MonitoringCtrlr/ActiveMonitoringBase") == "HardWiredOnly"


def test_the_level(desk: Desk) -> None:
    set_one(desk, "UpperThreshold", 5000)
    assert desk.ask("SetMonitoringLevel", {"severity": 10})["status"] == "Rejected"  # N05.FR.02
    assert desk.ask("SetMonitoringLevel", {"severity": 4})["status"] == "Accepted"
    assert at(desk, 1.0, 6000) == []  # N07.FR.15
    assert desk.ask("SetMonitoringLevel", {"severity": 5})["status"] == "Accepted"
    assert len(at(desk, 2.0, 10)) == 1
    assert desk.station.model.text("MonitoringCtrlr/ActiveMonitoringLevel") == "5"


def test_report_by_kind_and_by_variable(desk: Desk) -> None:
    set_monitors(
        desk,
        *(monitor(kind, 60, POWER) for kind in ("UpperThreshold", "LowerThreshold", "Delta", "Periodic")),
        monitor("PeriodicClockAligned", 60, STATE),
    )

    def kinds(**request: Any) -> list[str]:
        return [m["type"] for m in report(desk, **request)]

    power = [{"component": {"name": "EVSE"}, "variable": {"name": "Power"}}]
    assert kinds(monitoringCriteria=["ThresholdMonitoring"]) == ["UpperThreshold", "LowerThreshold"]
    assert kinds(monitoringCriteria=["PeriodicMonitoring"]) == ["Periodic", "PeriodicClockAligned"]
    assert kinds(componentVariable=[{"component": {"name": "EVSE", "evse": {"id": 1}}}])[-1] == "PeriodicClockAligned"
    assert kinds(monitoringCriteria=["DeltaMonitoring"], componentVariable=power) == ["Delta"]
    assert len(kinds()) == 6  # N02.FR.11: the hard-wired one too
    nothing = {"requestId": 1, "componentVariable": [{"component": {"name": "Nothing"}}]}
    assert desk.ask("GetMonitoringReport", nothing)["status"] == "EmptyResultSet"  # N02.FR.10


def test_the_device_model_says_what_can_be_monitored(desk: Desk) -> None:
    desk.answer("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    rows = [row for s in desk.sent if s.action == "NotifyReport" for row in s.payload["reportData"]]
    can = {
        f"{row['component']['name']}.{row['variable']['name']}": row["variableCharacteristics"]["supportsMonitoring"]
        for row in rows
    }
    assert (can["EVSE.Power"], can["EVSE.AvailabilityState"], can["EVSE.Problem"]) == (True, True, True)
    assert (can["ChargingStation.Model"], can["ConnectedEV.Power"]) == (False, False)  # a limit is no actual value


# -- offline -------------------------------------------------------------------------------------------------------------


def test_what_is_severe_enough_is_stored_and_the_rest_waits_for_a_connection(desk: Desk) -> None:
    stored, waiting = set_monitors(desk, monitor("Delta", 1, severity=3), monitor("Delta", 1, severity=4))
    assert desk.set("MonitoringCtrlr", "OfflineQueuingSeverity", "3") == "Accepted"
    at(desk, 1.0, 0)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.effects.clear()
    desk.port.change(1, power_W=100.0)
    desk.due(2.0)
    posts = [e for e in desk.effects if isinstance(e, Post)]
    assert [event["variableMonitoringId"] for p in posts for event in p.payload["eventData"]] == [stored["id"]]
    assert not [e for e in desk.effects if isinstance(e, Send) and e.action == "NotifyEvent"]  # it would be lost
    assert at(desk, 3.0, 200) != []
    desk.perform(desk.station.connected(desk.version, 2.0, desk.moment))
    (event,) = at(desk, 4.0)
    assert (event["variableMonitoringId"], event["actualValue"]) == (waiting["id"], "200.0")  # the value of now


def test_a_value_that_came_back_while_offline_is_no_event(desk: Desk) -> None:
    """TC_N_23_CS."""
    set_one(desk, "Delta", 1, STATE, severity=9)
    at(desk, 1.0)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.port.begin()
    assert at(desk, 2.0) == []
    desk.port.end()
    desk.perform(desk.station.connected(desk.version, 2.0, desk.moment))
    assert at(desk, 4.0) == []


def test_a_lost_periodic_event_does_not_keep_the_station_awake(desk: Desk) -> None:
    set_one(desk, "Periodic", 10, severity=9)
    at(desk, 1.0, 5)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.due(12.0)
    assert desk.station.deadline_s is not None and desk.station.deadline_s > 12.0


def test_a_change_between_two_readings_belongs_to_the_transaction_of_the_first(desk: Desk) -> None:
    """TC_N_20_CS: power falls, and the transaction ends before the next reading."""
    set_monitors(desk, monitor("UpperThreshold", 5000), monitor("LowerThreshold", 100))
    desk.port.begin(transaction_id="tx-1")
    (event,) = at(desk, 1.0, 6000)
    assert event["transactionId"] == "tx-1"
    desk.port.end()
    desk.port.change(1, power_W=0.0)
    desk.due(1.5)  # something else happens between the readings
    found = at(desk, 2.0)
    assert [(e["cleared"], e.get("transactionId")) for e in found] == [(True, "tx-1"), (False, "tx-1")]
    (later,) = at(desk, 3.0, 200)
    assert "transactionId" not in later


def test_a_long_absence_does_not_fill_the_store(desk: Desk) -> None:
    set_one(desk, "Delta", 1)
    desk.perform(desk.station.disconnected(desk.moment))
    at(desk, 1.0, 0)
    found = [len(at(desk, 2.0 + n, n % 2 * 100.0)) for n in range(1, QUEUED_MAX + 20)]
    assert sum(found) == QUEUED_MAX
    desk.perform(desk.station.connected(desk.version, 5.0, desk.moment))
    assert sum(len(at(desk, desk.now_s + 1.0, p)) for p in (50.0, 500.0)) >= 1


def test_ids_of_events_go_on_after_a_restart(desk: Desk) -> None:
    set_one(desk, "Delta", 1)
    at(desk, 1.0, 0)
    (before,) = at(desk, 2.0, 100)
    desk.restart()
    desk.accept()
    at(desk, 3.0, 0)
    (after,) = at(desk, 5.0, 100)
    assert after["eventId"] > before["eventId"]


def test_switched_off_everything_is_silent(desk: Desk) -> None:
    set_one(desk, "UpperThreshold", 5000)
    desk.set("MonitoringCtrlr", "Enabled", "false")
    assert at(desk, 1.0, 9000) == []
    assert [r["status"] for r in set_monitors(desk, monitor("Delta", 1))] == ["Rejected"]
    trip(desk, FaultCode.RCD)
    assert events(desk) == []


# -- faults --------------------------------------------------------------------------------------------------------------


def trip(desk: Desk, code: FaultCode, detail: str = "") -> None:
    desk.port.change(1, faults=desk.port.evses[0].faults | {code})
    desk.perform(desk.station.informed(InterlockTripped(EvseId(1), code, desk.now_s, detail), desk.moment))


def notifications(desk: Desk) -> list[dict[str, Any]]:
    """The notifications of faults of EVSEs. Other files have the hard-wired monitor's event and that of a lock as subject."""
    found = [event for event in events(desk) if event["eventNotificationType"] == "HardWiredNotification"]
    return [event for event in found if event["component"]["name"] != "ConnectorPlugRetentionLock"]


def clear(desk: Desk, code: FaultCode) -> None:
    desk.port.change(1, faults=desk.port.evses[0].faults - {code})
    desk.perform(desk.station.informed(FaultCleared(EvseId(1), code, desk.now_s), desk.moment))


@pytest.mark.parametrize("code", list(FaultCode))
def test_every_fault_arrives_by_its_name_and_so_does_its_end(desk: Desk, code: FaultCode) -> None:
    desk.effects.clear()
    trip(desk, code, "1000 V, at most 920 V")
    assert [e.action for e in desk.effects if isinstance(e, Post)] == ["NotifyEvent"]  # stored
    (event,) = notifications(desk)
    assert (event["techCode"], event["cleared"], event["actualValue"]) == (code.name, False, "true")
    assert event["techInfo"].startswith(f"{CATALOGUE[code].title}: 1000 V, at most 920 V: ")
    assert (event["trigger"], event["eventNotificationType"]) == ("Alerting", "HardWiredNotification")
    assert event["component"] == {"name": "EVSE", "evse": {"id": 1}} and event["variable"] == {"name": "Problem"}
    trip(desk, code)
    assert events(desk) == []  # once
    clear(desk, code)
    (event,) = notifications(desk)
    assert (event["techCode"], event["cleared"], event["actualValue"]) == (code.name, True, "false")


def test_problem_is_false_when_the_last_fault_has_gone(desk: Desk) -> None:
    trip(desk, FaultCode.RCD)
    trip(desk, FaultCode.DOOR_OPEN)
    events(desk)
    assert desk.station.model.text("EVSE@1/Problem") == "true"
    clear(desk, FaultCode.DOOR_OPEN)
    assert [(e["techCode"], e["actualValue"]) for e in notifications(desk)] == [("DOOR_OPEN", "true")]
    clear(desk, FaultCode.RCD)
    assert [(e["techCode"], e["actualValue"]) for e in notifications(desk)] == [("RCD", "false")]
    assert desk.station.model.text("EVSE@1/Problem") == "false"


def test_what_happened_while_the_daemon_was_away(desk: Desk) -> None:
    trip(desk, FaultCode.RCD)
    events(desk)
    desk.port.change(1, faults=frozenset({FaultCode.DOOR_OPEN}), heard=False)
    desk.restart()
    desk.accept()
    events(desk)
    assert at(desk, 100.0) == []  # the power process has not reported yet
    desk.port.change(1, heard=True)
    assert at(desk, 101.0) == []
    assert desk.station.deadline_s is not None and desk.station.deadline_s <= 101.0 + RECONCILE_S
    found = at(desk, 101.0 + RECONCILE_S)
    assert [(e["techCode"], e["cleared"]) for e in found] == [("DOOR_OPEN", False), ("RCD", True)]
    assert at(desk, 200.0) == []
