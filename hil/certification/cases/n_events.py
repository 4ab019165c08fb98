"""Block N, events: thresholds, deltas, periodic and hard-wired notifications; the level; events while the station is offline."""

from __future__ import annotations

import itertools
from typing import Any

from hil.certification.cases.n_monitor_settings import cleared
from hil.certification.monitors import (
    ACCEPTED,
    DELTA,
    LOWER,
    NOT_CLEARED,
    PERIODIC,
    UPPER,
    base,
    check_result,
    event_comes,
    events,
    evse_state,
    level,
    monitored,
    moves,
    no_event_comes,
    no_monitoring_report,
    now_at,
    plugged_in,
    result_of,
    set_monitors,
    set_results,
    values,
    wanted,
    without_monitors,
)
from hil.certification.patterns import ABSENT, Expected, Payload, one_of
from hil.certification.registry import case
from hil.certification.states import booted_by, evse_of, stop_authorized, transaction_event
from hil.certification.trial import Trial

CUSTOM = "CustomMonitor"
JITTER_S = 1.0
"""By how much the distance of two periodic events may differ from their interval."""
PERIODS = 3
GENERATED_LETTER = "x"


def _number(words: str, fits: Any) -> Expected:
    """A value on the wire is text: this one is a number that fits."""

    def judged(value: Any) -> bool:
        try:
            return bool(fits(float(value)))
        except (TypeError, ValueError):
            return False

    return Expected(words, judged)


def _above(bound: float) -> Expected:
    return _number(f"a number above {bound:g}", lambda value: value > bound)


def _at_most(bound: float) -> Expected:
    return _number(f"a number of at most {bound:g}", lambda value: value <= bound)


def _below(bound: float) -> Expected:
    return _number(f"a number below {bound:g}", lambda value: value < bound)


# -- thresholds ------------------------------------------------------------------------------------------------------------------


@case("TC_N_20_CS")
async def thresholds(trial: Trial) -> None:
    """A variable passes its upper threshold, returns, and drops below its lower threshold.

    Part 6 permits both events of the end in one NotifyEvent or in two.
    """
    own = values(trial)
    await base(trial, "before", "All")
    await level(trial, "before", 8)
    (upper,) = await set_monitors(trial, "before", wanted(own.threshold, UPPER, own.upper_trigger, 5))
    await moves(trial, own.threshold)
    of_transaction = {**own.threshold.pattern, **_in_transaction(trial, own.threshold.evse_id)}
    about_upper = {"variableMonitoringId": upper, "trigger": "Alerting"}
    first = await event_comes(
        trial,
        2,
        {**about_upper, "cleared": NOT_CLEARED},
        {"actualValue": _above(own.upper_trigger), **of_transaction},
    )
    data = wanted(own.threshold, LOWER, own.lower_trigger, 5)
    lower = check_result(trial, 5, await set_results(trial, 5, data), result_of(data, ACCEPTED))["id"]
    since = now_at(trial)
    await stop_authorized(trial)
    returned = await event_comes(
        trial,
        7,
        {**about_upper, "cleared": True},
        {"actualValue": _at_most(own.upper_trigger), "eventNotificationType": CUSTOM, **of_transaction},
        since=since,
    )
    dropped = await event_comes(
        trial,
        7,
        {"variableMonitoringId": lower, "trigger": "Alerting", "cleared": NOT_CLEARED},
        {"actualValue": _below(own.lower_trigger), "eventNotificationType": CUSTOM, **of_transaction},
        since=since,
    )
    ids = {event["eventId"] for event in (first, returned, dropped)}
    trial.checks.value(7, "different ids of the three events", len(ids), 3)


def _in_transaction(trial: Trial, evse_id: int) -> dict[str, object]:
    """Power flows in a transaction only, and the event of an EVSE names it."""
    return {"transactionId": trial.session.transaction_id} if evse_id else {}


@case("TC_N_51_CS")
async def threshold_is_lowered(trial: Trial) -> None:
    """An upper threshold that was not passed is replaced by one that is.

    The errata want an actual value above the earlier threshold, which was not passed. The case checks the new threshold, as edition 3 does.
    """
    own = values(trial)
    identifier = await monitored(trial, own.threshold, UPPER, own.upper_quiet, 5)
    await moves(trial, own.threshold)
    since = now_at(trial)
    early = [event for _, event in events(trial, {"variableMonitoringId": identifier})]
    trial.checks.value("before", "events of a threshold that is not passed", early, [])
    data = wanted(own.threshold, UPPER, own.upper_trigger, 5, id=identifier)
    check_result(trial, 3, await set_results(trial, 3, data), result_of(data, ACCEPTED, identifier))
    await event_comes(
        trial,
        4,
        {"variableMonitoringId": identifier},
        {"trigger": "Alerting", "actualValue": _above(own.upper_trigger), **own.threshold.pattern},
        since=since,
    )


@case("TC_N_52_CS")
async def cleared_monitor_is_silent(trial: Trial) -> None:
    """A monitor whose threshold was passed is cleared: the return of the value is not notified."""
    own = values(trial)
    identifier = await monitored(trial, own.threshold, UPPER, own.upper_trigger, 5)
    await moves(trial, own.threshold)
    await event_comes(trial, "before", {"variableMonitoringId": identifier}, {"trigger": "Alerting"})
    await cleared(trial, 2, identifier)
    await no_monitoring_report(trial, 4, own.threshold, criteria=("ThresholdMonitoring",))
    since = now_at(trial)
    await stop_authorized(trial)
    await no_event_comes(trial, 6, {"variableMonitoringId": identifier}, since=since)


# -- deltas ----------------------------------------------------------------------------------------------------------------------


@case("TC_N_45_CS")
async def delta_of_a_number(trial: Trial) -> None:
    """A number changes by more than its Delta monitor says."""
    own = values(trial)
    identifier = await monitored(trial, own.numeric, DELTA, own.delta, 5)
    await moves(trial, own.numeric)
    await event_comes(trial, 2, {"variableMonitoringId": identifier}, {"trigger": DELTA, **own.numeric.pattern})


@case("TC_N_56_CS")
async def delta_of_a_text(trial: Trial) -> None:
    """A variable that is no number changes."""
    own = values(trial)
    identifier = await monitored(trial, own.text, DELTA, 1, 5)
    await moves(trial, own.text)
    await event_comes(trial, 1, {"variableMonitoringId": identifier}, {"trigger": DELTA, **own.text.pattern})


@case("TC_N_48_CS")
async def delta_of_what_nobody_may_read(trial: Trial) -> None:
    """A new password is an event without a value.

    The errata make this case conditional: a station need not monitor BasicAuthPassword (AQ-10). The catalogue is that of edition 3.
    """
    await without_monitors(trial)
    await level(trial, "before", 8)
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    data = {"value": 1, "type": DELTA, "severity": 5, **place}
    (identifier,) = await set_monitors(trial, "before", data)
    since = now_at(trial)
    trial.needs_fresh_start = True
    password = GENERATED_LETTER * len(trial.configured.basic_password)
    trial.csms.entrances[0].password = None  # until the station comes with the new one
    setting = {"setVariableData": [{**place, "attributeValue": password}]}
    status = {"setVariableResult[0].attributeStatus": one_of("Accepted", "RebootRequired")}
    answer = await trial.calls(2, "SetVariables", setting, status)
    trial.csms.entrances[0].password = password
    if answer["setVariableResult"][0]["attributeStatus"] == "RebootRequired":
        await booted_by(trial, "OnIdle")
    await event_comes(
        trial,
        4,
        {"variableMonitoringId": identifier},
        {"actualValue": "", "component.name": "SecurityCtrlr", "variable.name": "BasicAuthPassword"},
        since=since,
        prompt=False,
    )


# -- periodic and hard-wired -------------------------------------------------------------------------------------------------------


@case("TC_N_24_CS")
async def periodic(trial: Trial) -> None:
    """A periodic monitor notifies at its interval."""
    await without_monitors(trial)
    await level(trial, "before", 8)
    own = values(trial)
    (identifier,) = await set_monitors(trial, 2, wanted(own.threshold, PERIODIC, own.interval_s, 5))
    where = {"variableMonitoringId": identifier}
    await trial.wait(own.interval_s * PERIODS + JITTER_S)
    since = 0
    for _ in range(PERIODS):
        await event_comes(trial, 3, where, {"trigger": PERIODIC, **own.threshold.pattern}, since=since)
        since = trial.csms.calls.index(events(trial, where, since)[0][0]) + 1
    came_s = [call.at_s for call, _ in events(trial, where)]
    steps_s = [late - early for early, late in itertools.pairwise(came_s)]
    words = f"events are {own.interval_s} s apart"
    trial.checks.true(3, words, all(abs(step_s - own.interval_s) <= JITTER_S for step_s in steps_s), steps_s)


@case("TC_N_21_CS")
async def hard_wired_notification(trial: Trial) -> None:
    """A fault is notified without any monitor. Part 6 leaves the event to the tester: the bench makes a fault."""
    since = now_at(trial)
    await trial.makes_fault(trial.configured.evse_id)
    await event_comes(trial, 1, {"eventNotificationType": "HardWiredNotification"}, {}, since=since)


# -- level and queue -----------------------------------------------------------------------------------------------------------------


@case("TC_N_16_CS")
async def level_filters(trial: Trial) -> None:
    """An event of severity 8 is not notified at level 7."""
    await without_monitors(trial)
    variable = evse_state(trial)
    await set_monitors(trial, "before", wanted(variable, DELTA, 1, 8))
    await level(trial, 2, 7)
    since = now_at(trial)
    await plugged_in(trial)
    await no_event_comes(trial, 4, variable.pattern, since=since)


@case("TC_N_22_CS")
async def queued_while_offline(trial: Trial) -> None:
    """An event of the queuing severity waits while the station is offline, and comes afterwards."""
    severity = values(trial).severity
    await trial.sets("MonitoringCtrlr", "OfflineQueuingSeverity", str(severity))
    variable = evse_state(trial)
    await monitored(trial, variable, DELTA, 1, severity)
    since = now_at(trial)
    await trial.csms.cut()
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    await trial.wait(max(trial.configured.unseen_s, trial.configured.transaction_duration_s))
    trial.checks.value(1, "messages while the network is away", len(trial.csms.calls) - since, 0)
    trial.csms.reconnect()
    await trial.connected(3)
    has = {"actualValue": "Occupied", **variable.pattern}
    await event_comes(trial, 3, {"trigger": DELTA, "actualValue": "Occupied"}, has, since=since, prompt=False)


@case("TC_N_23_CS")
async def lost_while_offline(trial: Trial) -> None:
    """An event beyond the queuing severity does not come after the station was offline.

    Steps 3 to 8 concern a station whose transactions start when the car is plugged in.
    """
    severity = values(trial).severity
    await trial.sets("MonitoringCtrlr", "OfflineQueuingSeverity", str(severity))
    points = set((await trial.gets("TxCtrlr", "TxStartPoint") or "").split(","))
    starts = bool(points & {"EVConnected", "ParkingBayOccupancy"})
    await without_monitors(trial)
    await level(trial, "before", 8)
    await set_monitors(trial, "before", *(_state_monitor(trial, name, severity + 1) for name in ("EVSE", "Connector")))
    since = now_at(trial)
    await plugged_in(trial)
    for name in ("Connector", "EVSE"):
        await event_comes(trial, 1, _state(trial, name), {"trigger": DELTA, "actualValue": "Occupied"}, since=since)
    if starts:
        plugged = {"triggerReason": "CablePluggedIn", "transactionInfo.chargingState": "EVConnected"}
        await transaction_event(trial, 3, plugged)
    await trial.csms.cut()
    await trial.station.unplug(evse_of(trial), trial.configured.connector_id)
    await trial.wait(trial.configured.unseen_s)
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    await trial.wait(max(trial.configured.unseen_s, trial.configured.transaction_duration_s))
    since = now_at(trial)
    trial.csms.reconnect()
    await trial.connected("after")
    if starts:
        within_s = trial.configured.reboot_within_s
        lost = {"triggerReason": "EVCommunicationLost", "transactionInfo.chargingState": "Idle"}
        await transaction_event(trial, 5, lost, within_s=within_s)
        again = {"triggerReason": "CablePluggedIn", "transactionInfo.chargingState": "EVConnected"}
        await transaction_event(trial, 7, again, within_s=within_s)
    for name in ("Connector", "EVSE"):
        await no_event_comes(trial, "after", _state(trial, name), since=since)


def _state_monitor(trial: Trial, component: str, severity: int) -> Payload:
    evse = {"id": trial.configured.evse_id}
    if component == "Connector":
        evse["connectorId"] = trial.configured.connector_id
    place = {"component": {"name": component, "evse": evse}, "variable": {"name": "AvailabilityState"}}
    return {"value": 1, "type": DELTA, "severity": severity, **place}


def _state(trial: Trial, component: str) -> dict[str, object]:
    """Events about the state of the configured EVSE, or of its connector."""
    number = trial.configured.connector_id if component == "Connector" else ABSENT
    return {
        "component.name": component,
        "component.evse.id": trial.configured.evse_id,
        "component.evse.connectorId": number,
        "variable.name": "AvailabilityState",
    }
