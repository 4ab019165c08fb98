"""Block N, monitors set and cleared: one, several, wrong ones, replaced ones; the level of what is notified."""

from __future__ import annotations

from hil.certification.device_reports import check_no_complaint
from hil.certification.monitors import (
    ACCEPTED,
    DELTA,
    LOWER,
    STATION_STATE,
    UPPER,
    base,
    check_result,
    check_setting,
    every_monitor,
    evse_state,
    monitoring_report,
    no_monitoring_report,
    result_of,
    set_monitors,
    set_results,
    settings,
    values,
    wanted,
    without_monitors,
)
from hil.certification.patterns import ABSENT, Payload, one_of
from hil.certification.pics import MonitoredVariable
from hil.certification.registry import case
from hil.certification.trial import Trial
from hil.certification.validation import Step

UNKNOWN_EVSE = 99
UNUSED_ID = 123_456
"""An id that no monitor has, where the station reports no monitor."""

# -- set -------------------------------------------------------------------------------------------------------------------------


@case("TC_N_08_CS")
async def one_monitor(trial: Trial) -> None:
    """One monitor is set and reported."""
    await without_monitors(trial)
    variable = evse_state(trial)
    (identifier,) = await set_monitors(trial, 2, wanted(variable, DELTA, 1, 8))
    report = await monitoring_report(trial, 4, variable)
    check_setting(trial, 5, report, variable, {"id": identifier, "type": DELTA})


@case("TC_N_09_CS")
async def monitors_on_two_variables(trial: Trial) -> None:
    """Monitors on two variables are set in one message and reported. The severity is the configured one."""
    await without_monitors(trial)
    both, severity = (evse_state(trial), STATION_STATE), values(trial).severity
    ids = await set_monitors(trial, 2, *(wanted(variable, DELTA, 1, severity) for variable in both))
    report = await monitoring_report(trial, 4, *both)
    for variable, identifier in zip(both, ids, strict=True):
        check_setting(trial, 5, report, variable, {"id": identifier, "type": DELTA, "severity": severity})


@case("TC_N_10_CS")
async def two_monitors_on_one_variable(trial: Trial) -> None:
    """Two monitors of different severity on one variable are both accepted."""
    await without_monitors(trial)
    variable = evse_state(trial)
    await set_monitors(trial, 2, wanted(variable, DELTA, 1, 8), wanted(variable, DELTA, 1, 7))


@case("TC_N_43_CS")
async def one_of_three_is_wrong(trial: Trial) -> None:
    """The second of three monitors has a value out of range: it is rejected, the others are accepted."""
    await without_monitors(trial)
    own = values(trial)
    first = wanted(own.threshold, UPPER, own.upper_trigger, own.severity)
    second = wanted(own.numeric, DELTA, -1.0, own.severity)
    third = wanted(own.threshold, LOWER, own.lower_trigger, own.severity)
    results = await set_results(trial, 2, first, second, third)
    check_result(trial, 2, results, result_of(first, ACCEPTED))
    _is_rejected(trial, 2, results, second)
    check_result(trial, 2, results, result_of(third, ACCEPTED))


def _is_rejected(trial: Trial, step: Step, results: list[Payload], data: Payload) -> None:
    """A result without an id is Rejected; the errata took the rule about its reason away."""
    fits = {**result_of(data, "Rejected", ABSENT)}
    result = max(results, key=lambda found: (found["type"] == data["type"], found["status"] == "Rejected"))
    trial.checks.message(step, "SetMonitoringResult", result, fits)


# -- refused ---------------------------------------------------------------------------------------------------------------------


@case("TC_N_11_CS")
async def unknown_component(trial: Trial) -> None:
    """A monitor on an EVSE that does not exist, and one on a component that does not exist.

    Part 6 expects the second result to name AvailabilityState, although its request names Power. A result names what was asked for
    (N04.FR.02).
    """
    severity = values(trial).severity
    elsewhere = wanted(MonitoredVariable("EVSE", "AvailabilityState", UNKNOWN_EVSE), DELTA, 1, severity)
    nothing = wanted(MonitoredVariable("NonExistent", "Power", 0), UPPER, 1234.0, severity)
    results = await set_results(trial, 2, elsewhere, nothing)
    first = result_of(elsewhere, one_of("UnknownComponent", "Rejected"), ABSENT)
    check_result(trial, 2, results, first, "UnknownEVSE", "UnknownEvse", "NotFound")
    second = result_of(nothing, one_of("UnknownComponent", "UnknownVariable"), ABSENT)
    check_result(trial, 2, results, second, "NotFound")


@case("TC_N_37_CS")
async def unknown_variable(trial: Trial) -> None:
    """A monitor on a variable that its component does not have."""
    variable = MonitoredVariable("EVSE", "unknownVariable", trial.configured.evse_id)
    data = wanted(variable, DELTA, 1, values(trial).severity)
    results = await set_results(trial, 2, data)
    trial.checks.message(2, "SetMonitoringResult", results[0], result_of(data, "UnknownVariable", ABSENT))


@case("TC_N_12_CS")
async def negative_delta(trial: Trial) -> None:
    """A Delta monitor with a negative value is rejected."""
    own = values(trial)
    data = wanted(own.numeric, DELTA, -1, own.severity)
    results = await set_results(trial, 2, data)
    check_result(trial, 2, results, result_of(data, "Rejected", ABSENT), "ValueOutOfRange", "ValuePositiveOnly")


@case("TC_N_13_CS")
async def threshold_beyond_the_limit(trial: Trial) -> None:
    """A threshold above the maxLimit of its variable is rejected."""
    own = values(trial)
    data = wanted(own.limited, UPPER, own.beyond_limit, own.severity)
    results = await set_results(trial, 2, data)
    check_result(trial, 2, results, result_of(data, "Rejected", ABSENT), "ValueOutOfRange")


@case("TC_N_15_CS")
async def duplicate(trial: Trial) -> None:
    """Two monitors of one kind and one severity on one variable: the second is a duplicate."""
    await without_monitors(trial)
    data = wanted(evse_state(trial), DELTA, 1, values(trial).severity)
    results = await set_results(trial, 2, data, data)
    check_result(trial, 2, results, result_of(data, ACCEPTED))
    check_result(trial, 2, results, result_of(data, "Duplicate", ABSENT), "InvalidValue")


@case("TC_N_39_CS")
async def monitor_of_another_variable(trial: Trial) -> None:
    """A monitor cannot be moved to another variable; it stays as it was."""
    await without_monitors(trial)
    own = values(trial)
    (identifier,) = await set_monitors(trial, 2, wanted(own.text, DELTA, 1, own.severity))
    data = wanted(own.numeric, DELTA, 1, own.severity, id=identifier)
    results = await set_results(trial, 4, data)
    expected = {"status": "Rejected", "type": DELTA, **own.numeric.pattern}
    trial.checks.message(4, "SetMonitoringResult", results[0], expected)
    report = await monitoring_report(trial, 6)
    check_setting(trial, 7, report, own.text, {"id": identifier, "value": 1, "type": DELTA})


# -- replaced and cleared ----------------------------------------------------------------------------------------------------------


@case("TC_N_40_CS")
async def replaced(trial: Trial) -> None:
    """A monitor is replaced: it has another severity."""
    await without_monitors(trial)
    variable = evse_state(trial)
    (identifier,) = await set_monitors(trial, "before", wanted(variable, DELTA, 1, 5))
    data = wanted(variable, DELTA, 1, 4, id=identifier)
    check_result(trial, 2, await set_results(trial, 2, data), result_of(data, ACCEPTED, identifier))
    report = await monitoring_report(trial, 4, variable, criteria=("DeltaMonitoring",))
    check_setting(trial, 5, report, variable, {"id": identifier, "severity": 4})
    severities = [setting["severity"] for setting in settings(report, variable)]
    trial.checks.value(5, "severities of the monitors of this variable", severities, [4])


async def cleared(trial: Trial, step: Step, *ids: int) -> None:
    """ClearVariableMonitoring: each monitor is cleared, each has a result."""
    answer = await trial.calls(step, "ClearVariableMonitoring", {"id": list(ids)})
    results = answer["clearMonitoringResult"]
    trial.checks.value(step, "ids of the results", sorted(result["id"] for result in results), sorted(ids))
    for result in results:
        trial.checks.message(step, "ClearMonitoringResult", result, {"status": ACCEPTED})
        check_no_complaint(trial, step, "clearMonitoringResult of ClearVariableMonitoring", result)


@case("TC_N_18_CS")
async def two_are_cleared(trial: Trial) -> None:
    """Two monitors are cleared, and not reported any more."""
    await without_monitors(trial)
    both, severity = (STATION_STATE, evse_state(trial)), values(trial).severity
    ids = await set_monitors(trial, "before", *(wanted(variable, DELTA, 1, severity) for variable in both))
    await cleared(trial, 2, *ids)
    await no_monitoring_report(trial, 4, *both)


@case("TC_N_19_CS")
async def unknown_id(trial: Trial) -> None:
    """A monitor that does not exist cannot be cleared: NotFound."""
    known = [setting["id"] for setting in settings(await every_monitor(trial))]
    number = max(known) + 1 if known else UNUSED_ID
    await _is_not_cleared(trial, number, "NotFound", "NotFound")


@case("TC_N_44_CS")
async def hard_wired(trial: Trial) -> None:
    """A hard-wired monitor cannot be cleared: Rejected. The base HardWiredOnly leaves hard-wired monitors alone."""
    await base(trial, "before", "HardWiredOnly")
    known = [setting["id"] for setting in settings(await every_monitor(trial))]
    if not known:
        trial.checks.fail("before", "hard-wired monitors", "none is reported", "one that cannot be cleared")
    await _is_not_cleared(trial, known[0], "Rejected")


async def _is_not_cleared(trial: Trial, number: int, status: str, *reasons: str) -> None:
    answer = await trial.calls(2, "ClearVariableMonitoring", {"id": [number]})
    result = answer["clearMonitoringResult"][0]
    trial.checks.message(2, "ClearMonitoringResult", result, {"status": status, "id": number})
    if reasons:
        check_no_complaint(trial, 2, "clearMonitoringResult of ClearVariableMonitoring", result, *reasons)


# -- level -------------------------------------------------------------------------------------------------------------------------


@case("TC_N_17_CS")
async def level_out_of_range(trial: Trial) -> None:
    """A level beyond 0 to 9 is rejected."""
    for step, severity, reason in ((2, 10, "ValueTooHigh"), (4, -1, "ValueTooLow")):
        answer = await trial.calls(step, "SetMonitoringLevel", {"severity": severity}, {"status": "Rejected"})
        check_no_complaint(trial, step, "SetMonitoringLevel", answer, "ValueOutOfRange", reason)
