"""Block N, reports of monitors: by kind, by variable, by both, and all of them; what a monitoring base removes and brings back."""

from __future__ import annotations

from hil.certification.monitors import (
    ACCEPTED,
    ALIGNED,
    DELTA,
    LOWER,
    PERIODIC,
    STATION_STATE,
    UPPER,
    base,
    check_kinds,
    check_result,
    check_setting,
    evse_state,
    monitoring_report,
    no_monitoring_report,
    set_monitors,
    set_results,
    settings,
    values,
    wanted,
    without_monitors,
)
from hil.certification.patterns import Payload, value_at
from hil.certification.pics import MonitoredVariable
from hil.certification.registry import case
from hil.certification.states import booted
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided, Step

THRESHOLDS, DELTAS, PERIODICS = "ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring"
LOWEST_SEVERITY = 9
REPLACED_LOWEST = 5
"""Part 6 gives a preconfigured monitor of the lowest severity this one instead of the next."""


async def _one_of_each_kind(trial: Trial) -> None:
    await without_monitors(trial)
    own = values(trial)
    await set_monitors(
        trial,
        "before",
        wanted(own.threshold, LOWER, own.lower_trigger, own.severity),
        wanted(own.threshold, UPPER, own.upper_trigger, own.severity),
        wanted(own.threshold, PERIODIC, own.interval_s, own.severity),
        wanted(own.numeric, DELTA, own.delta, own.severity),
        wanted(own.numeric, ALIGNED, own.interval_s, own.severity),
    )


@case("TC_N_01_CS")
async def report_by_kind(trial: Trial) -> None:
    """Reports by monitoringCriteria: thresholds; thresholds and deltas; deltas and periodic monitors.

    Part 6 permits the kinds that were asked for. Part 2 asks for all monitors of these kinds (N02.FR.12 to FR.14), so each must be there.
    """
    await _one_of_each_kind(trial)
    check_kinds(trial, 3, await monitoring_report(trial, 2, criteria=(THRESHOLDS,)), {UPPER, LOWER})
    check_kinds(trial, 7, await monitoring_report(trial, 6, criteria=(THRESHOLDS, DELTAS)), {UPPER, LOWER, DELTA})
    check_kinds(trial, 11, await monitoring_report(trial, 10, criteria=(DELTAS, PERIODICS)), {DELTA, PERIODIC, ALIGNED})


async def _deltas_of_states(trial: Trial) -> None:
    """A Delta monitor on the state of the station, and one on the state of the EVSE."""
    await without_monitors(trial)
    severity = values(trial).severity
    both = (STATION_STATE, evse_state(trial))
    await set_monitors(trial, "before", *(wanted(variable, DELTA, 1, severity) for variable in both))


def _check_states(trial: Trial, step: Step, report: list[Payload]) -> None:
    """A Delta monitor of both states is reported, and no other kind of monitor of a state."""
    for variable in (STATION_STATE, evse_state(trial)):
        check_setting(trial, step, report, variable, {"type": DELTA})
    states = [data for data in report if value_at(data, "variable.name") == "AvailabilityState"]
    others = sorted({str(setting["type"]) for setting in settings(states)} - {DELTA})
    trial.checks.value(step, "other kinds of monitors of AvailabilityState", others, [])


@case("TC_N_02_CS")
async def report_by_variable(trial: Trial) -> None:
    """A report about one variable of the station and about a whole EVSE."""
    await _deltas_of_states(trial)
    whole_evse = {"component": evse_state(trial).wire["component"]}
    report = await monitoring_report(trial, 2, selection=[STATION_STATE.wire, whole_evse])
    _check_states(trial, "after", report)
    names = {value_at(data, "component.name") for data in report}
    trial.checks.true(3, "every component is ChargingStation or EVSE", names <= {"ChargingStation", "EVSE"}, names)
    evse_ids = {value_at(data, "component.evse.id") for data in report if value_at(data, "component.name") == "EVSE"}
    trial.checks.value(3, "EVSEs in the report", sorted(map(str, evse_ids)), [str(trial.configured.evse_id)])


@case("TC_N_03_CS")
async def report_by_kind_and_variable(trial: Trial) -> None:
    """A report about two variables: their thresholds (there are none), and their deltas.

    Part 6 prepares a periodic monitor on ChargingStation.Power, which its steps never use, and which a station need not have. The case
    sets the Delta monitors that the last validation looks for.
    """
    await _deltas_of_states(trial)
    both = (STATION_STATE, evse_state(trial))
    await no_monitoring_report(trial, 2, *both, criteria=(THRESHOLDS,))
    report = await monitoring_report(trial, 4, *both, criteria=(DELTAS,))
    check_kinds(trial, 5, report, {DELTA})
    _check_states(trial, "after", report)


@case("TC_N_47_CS")
async def report_of_all(trial: Trial) -> None:
    """A report without any criterion has every monitor."""
    await _deltas_of_states(trial)
    _check_states(trial, 3, await monitoring_report(trial, 2))


@case("TC_N_53_CS")
async def monitors_outlive_a_restart(trial: Trial) -> None:
    """A monitor is still there after a restart, with its id."""
    await without_monitors(trial)
    own = values(trial)
    (identifier,) = await set_monitors(trial, "before", wanted(own.threshold, UPPER, own.upper_trigger, own.severity))
    await booted(trial)
    report = await monitoring_report(trial, 2, criteria=(THRESHOLDS,))
    check_setting(trial, 3, report, own.threshold, {"id": identifier, "type": UPPER})


# -- monitoring base -----------------------------------------------------------------------------------------------------------


@case("TC_N_05_CS")
async def every_base(trial: Trial) -> None:
    """SetMonitoringBase knows all three bases."""
    for step, name in ((2, "All"), (4, "FactoryDefault"), (6, "HardWiredOnly")):
        await base(trial, step, name)


@case("TC_N_06_CS")
async def base_removes_monitors(trial: Trial) -> None:
    """HardWiredOnly removes a monitor that was set."""
    await without_monitors(trial)
    await set_monitors(trial, "before", wanted(STATION_STATE, DELTA, 1, values(trial).severity))
    report = await monitoring_report(trial, 2, STATION_STATE)
    check_setting(trial, 3, report, STATION_STATE, {"type": DELTA})
    trial.checks.value(3, "number of reported variables", len(report), 1)
    reports = [call for call in trial.csms.calls if call.action == "NotifyMonitoringReport"]
    trial.checks.value(3, "number of NotifyMonitoringReports", len(reports), 1)
    await base(trial, 6, "HardWiredOnly")
    await no_monitoring_report(trial, 8, STATION_STATE)


@case("TC_N_41_CS")
async def preconfigured_monitor_returns(trial: Trial) -> None:
    """A preconfigured monitor is replaced; FactoryDefault brings it back."""
    number = values(trial).preconfigured_id
    if not number:
        raise CaseNotDecided("the statement names no preconfigured monitor: [configured.monitoring] preconfigured_id")
    await base(trial, "before", "FactoryDefault")
    place, before = _found(trial, await monitoring_report(trial, 2), number)
    severity = before["severity"] + 1 if before["severity"] < LOWEST_SEVERITY else REPLACED_LOWEST
    data = {
        "id": number,
        "transaction": before["transaction"],
        "value": before["value"],
        "type": before["type"],
        "severity": severity,
        "component": place["component"],
        "variable": place["variable"],
    }
    results = await set_results(trial, 6, data)
    expected = {"status": ACCEPTED, "component": place["component"], "variable": place["variable"]}
    check_result(trial, 6, results, expected)
    variable = _variable(place)
    report = await monitoring_report(trial, 8, variable)
    check_setting(trial, 9, report, variable, {"id": number, "severity": severity})
    await base(trial, 12, "FactoryDefault")
    report = await monitoring_report(trial, 14, variable)
    check_setting(trial, 15, report, variable, {"id": number, "severity": before["severity"]})


def _found(trial: Trial, report: list[Payload], number: int) -> tuple[Payload, Payload]:
    """The MonitoringData with this monitor, and the monitor. Raises ValidationFailed."""
    every = [(data, setting) for data in report for setting in data["variableMonitoring"]]
    found = [(data, setting) for data, setting in every if setting["id"] == number]
    if not found:
        ids = [setting["id"] for _, setting in every]
        trial.checks.fail(3, "ids of the reported monitors", ids, f"the preconfigured monitor {number} among them")
    return found[0]


def _variable(place: Payload) -> MonitoredVariable:
    evse = value_at(place, "component.evse.id")
    return MonitoredVariable(
        place["component"]["name"], place["variable"]["name"], evse if isinstance(evse, int) else 0
    )
