"""Monitors of variables: set, cleared and reported over OCPP, and the events they send. The idioms of block N.

Part 6 leaves open which variables are monitored. The statement of a station names them (`MonitoringValues`), and `moves` makes them move.
"""

from __future__ import annotations

from collections.abc import Iterator

from hil.certification.device_reports import check_no_complaint, report_parts
from hil.certification.frames import StationCall
from hil.certification.patterns import (
    ABSENT,
    MISSING,
    PRESENT,
    Expected,
    Pattern,
    Payload,
    about,
    matches,
    one_of,
    value_at,
)
from hil.certification.pics import MonitoredVariable, MonitoringValues
from hil.certification.states import connector_is, energy_transfer_started, evse_of
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided, Step

UPPER, LOWER, DELTA = "UpperThreshold", "LowerThreshold", "Delta"
PERIODIC, ALIGNED = "Periodic", "PeriodicClockAligned"
ACCEPTED, EMPTY = "Accepted", "EmptyResultSet"
LEVEL = 8
"""The monitoring level of the cases that need events."""
NOT_CLEARED = one_of(False, MISSING)
STATION_STATE = MonitoredVariable("ChargingStation", "AvailabilityState", 0)


def evse_state(trial: Trial) -> MonitoredVariable:
    """The state of the configured EVSE: the variable that Part 6 names where it names one."""
    return MonitoredVariable("EVSE", "AvailabilityState", trial.configured.evse_id)


def values(trial: Trial) -> MonitoringValues:
    """The monitored variables of this station."""
    return trial.configured.monitoring


# -- set and cleared -----------------------------------------------------------------------------------------------------------


def wanted(variable: MonitoredVariable, kind: str, value: float, severity: int, **more: object) -> Payload:
    """SetMonitoringData."""
    return {"value": value, "type": kind, "severity": severity, **variable.wire, **more}


def result_of(data: Payload, status: object, identifier: object = PRESENT) -> dict[str, object]:
    """What the SetMonitoringResult of this SetMonitoringData has."""
    evse = value_at(data, "component.evse.id")
    return {
        "id": identifier,
        "status": status,
        "type": data["type"],
        "severity": data["severity"],
        "component.name": data["component"]["name"],
        "component.evse.id": evse if evse is not MISSING else ABSENT,
        "variable.name": data["variable"]["name"],
    }


async def set_results(trial: Trial, step: Step, *data: Payload) -> list[Payload]:
    """SetVariableMonitoring; the results, one for each element."""
    payload = {"setMonitoringData": list(data)}
    answer = await trial.calls(step, "SetVariableMonitoring", payload, evidence=step != "before")
    results: list[Payload] = answer["setMonitoringResult"]
    trial.checks.value(step, "number of results", len(results), len(data))
    return results


def check_result(trial: Trial, step: Step, results: list[Payload], expected: Pattern, *reasons: str) -> Payload:
    """A result with this pattern is there, in any order; its statusInfo, where there is one, has one of these reasons (NoError)."""
    result = max(results, key=lambda found: sum(matches(found, {path: rule}) for path, rule in expected.items()))
    trial.checks.message(step, "SetMonitoringResult", result, expected, decides=True)
    check_no_complaint(trial, step, "setMonitoringResult of SetVariableMonitoring", result, *reasons)
    return result


async def set_monitors(trial: Trial, step: Step, *data: Payload) -> list[int]:
    """Set monitors that are all accepted, each with a result of its own; their ids, in the order of `data`."""
    results = await set_results(trial, step, *data)
    ids = [int(check_result(trial, step, results, result_of(one, ACCEPTED))["id"]) for one in data]
    trial.checks.value(step, "ids of the monitors that are all different", len(set(ids)), len(data))
    return ids


async def base(trial: Trial, step: Step, name: str) -> None:
    """SetMonitoringBase, accepted."""
    answer = await trial.calls(
        step, "SetMonitoringBase", {"monitoringBase": name}, {"status": ACCEPTED}, evidence=step != "before"
    )
    check_no_complaint(trial, step, "SetMonitoringBase", answer)


async def without_monitors(trial: Trial) -> None:
    """No monitor is active but those nobody can switch off: the beginning of cases that set monitors of their own."""
    await base(trial, "before", "HardWiredOnly")


async def level(trial: Trial, step: Step, severity: int) -> None:
    """SetMonitoringLevel, accepted."""
    answer = await trial.calls(
        step, "SetMonitoringLevel", {"severity": severity}, {"status": ACCEPTED}, evidence=step != "before"
    )
    check_no_complaint(trial, step, "SetMonitoringLevel", answer)


async def monitored(trial: Trial, variable: MonitoredVariable, kind: str, value: float, severity: int) -> int:
    """A memory state: this monitor is set, every event up to `LEVEL` is notified. Returns the monitor's id."""
    await without_monitors(trial)
    await level(trial, "before", LEVEL)
    (identifier,) = await set_monitors(trial, "before", wanted(variable, kind, value, severity))
    return identifier


# -- reported ------------------------------------------------------------------------------------------------------------------


async def monitoring_report(
    trial: Trial,
    step: int,
    *variables: MonitoredVariable,
    criteria: tuple[str, ...] = (),
    selection: list[Payload] | None = None,
) -> list[Payload]:
    """GetMonitoringReport that finds something: the MonitoringData. The answer is of `step`, the reports of the next."""
    number = trial.request_id()
    request = _request(number, variables, criteria, selection)
    answer = await trial.calls(step, "GetMonitoringReport", request, {"status": ACCEPTED})
    check_no_complaint(trial, step, "GetMonitoringReport", answer)
    parts = await report_parts(trial, step + 1, "NotifyMonitoringReport", number)
    return [data for part in parts for data in part.get("monitor", [])]


async def no_monitoring_report(
    trial: Trial, step: Step, *variables: MonitoredVariable, criteria: tuple[str, ...] = ()
) -> None:
    """GetMonitoringReport that finds nothing, and no report after it."""
    number = trial.request_id()
    request = _request(number, variables, criteria, None)
    answer = await trial.calls(step, "GetMonitoringReport", request, {"status": EMPTY})
    check_no_complaint(trial, step, "GetMonitoringReport", answer, "NotFound")
    await trial.nothing_comes(step, "NotifyMonitoringReport", {"requestId": number})


async def every_monitor(trial: Trial) -> list[Payload]:
    """Every monitor the station has, as preparation; empty where it has none."""
    number = trial.request_id()
    answer = await trial.calls("before", "GetMonitoringReport", {"requestId": number}, evidence=False)
    if answer["status"] != ACCEPTED:
        return []
    parts = await report_parts(trial, "before", "NotifyMonitoringReport", number)
    return [data for part in parts for data in part.get("monitor", [])]


def _request(
    number: int, variables: tuple[MonitoredVariable, ...], criteria: tuple[str, ...], selection: list[Payload] | None
) -> Payload:
    request: Payload = {"requestId": number}
    if criteria:
        request["monitoringCriteria"] = list(criteria)
    if selection := selection or [variable.wire for variable in variables]:
        request["componentVariable"] = selection
    return request


def settings(report: list[Payload], variable: MonitoredVariable | None = None) -> Iterator[Payload]:
    """Every VariableMonitoring of a report, or those of one variable."""
    for data in report:
        if variable is None or matches(data, variable.pattern):
            yield from data["variableMonitoring"]


def check_kinds(trial: Trial, step: Step, report: list[Payload], kinds: set[str]) -> None:
    """No other kind of monitor is reported, and each of these is."""
    found = {str(setting["type"]) for setting in settings(report)}
    trial.checks.value(step, "kinds of the reported monitors", sorted(found), sorted(kinds))


def check_setting(
    trial: Trial, step: Step, report: list[Payload], variable: MonitoredVariable, expected: Pattern
) -> None:
    """A monitor of this variable with these fields is reported."""
    found = list(settings(report, variable))
    fits = any(matches(setting, expected) for setting in found)
    words = ", ".join(
        f"{path} {rule.words if isinstance(rule, Expected) else rule!r}" for path, rule in expected.items()
    )
    trial.checks.true(
        step, f"a monitor of {variable.component}.{variable.variable} with {words} is reported", fits, found
    )


# -- what moves a variable -------------------------------------------------------------------------------------------------------


async def moves(trial: Trial, variable: MonitoredVariable) -> None:
    """Make this variable leave the value it has while nothing happens. Raises CaseNotDecided for one the suite cannot move."""
    match variable.variable:
        case "Power" | "Current":
            await energy_transfer_started(trial)
        case "AvailabilityState":
            await plugged_in(trial)
        case _:
            name = f"{variable.component}.{variable.variable}"
            raise CaseNotDecided(
                f"the suite cannot move {name}: choose Power, Current or AvailabilityState in [configured.monitoring]"
            )


async def plugged_in(trial: Trial) -> None:
    """A car is plugged in, and the station reports it."""
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    trial.session.plugged = True
    await connector_is(trial, 1, "Occupied")


# -- events ------------------------------------------------------------------------------------------------------------------------


def now_at(trial: Trial) -> int:
    """A mark: events that come from now on are those since it."""
    return len(trial.csms.calls)


def events(trial: Trial, where: Pattern, since: int = 0) -> list[tuple[StationCall, Payload]]:
    """Every event so far that matches, with its NotifyEvent."""
    return [
        (call, event)
        for call in trial.csms.calls[since:]
        if call.action == "NotifyEvent"
        for event in call.payload.get("eventData", [])
        if matches(event, where)
    ]


async def event_comes(
    trial: Trial, step: Step, where: Pattern, has: Pattern, *, since: int = 0, prompt: bool = True
) -> Payload:
    """An event that matches `where` comes; `has` is checked. With `prompt` its times are those of its arrival. Raises ValidationFailed.

    Events that come in one NotifyEvent can be expected one after the other.
    """
    within_s = trial.configured.answer_within_s
    if not await trial.csms.until(lambda: bool(events(trial, where, since)), within_s):
        seen = [event for _, event in events(trial, {}, since)]
        rules = {path: rule.words if isinstance(rule, Expected) else rule for path, rule in where.items()}
        trial.checks.fail(step, "NotifyEvent", seen or "none came", f"an event with {rules} within {within_s:g} s")
    call, event = events(trial, where, since)[0]
    tolerance_s = trial.configured.time_tolerance_s
    trial.checks.message(step, "NotifyEvent", call.payload, {"seqNo": 0})
    if prompt:
        trial.checks.message(step, "NotifyEvent", call.payload, {"generatedAt": about(call.clock, tolerance_s)})
        trial.checks.message(step, "eventData", event, {"timestamp": about(call.clock, tolerance_s)})
    trial.checks.message(step, "eventData", event, {"eventId": PRESENT, **has})
    return event


async def no_event_comes(trial: Trial, step: Step, where: Pattern, *, since: int) -> None:
    """No event that matches has come since the mark, and none comes while the suite listens."""
    await trial.wait(2 * trial.configured.quiet_s)
    found = [event for _, event in events(trial, where, since)]
    trial.checks.value(step, f"events with {dict(where)}", found, [])
