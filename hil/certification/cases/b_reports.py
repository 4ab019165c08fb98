"""Block B, provisioning: base reports and custom reports of the device model."""

from __future__ import annotations

from hil.certification.device_reports import (
    actual,
    base_report,
    check_characteristics,
    check_list_values,
    check_no_complaint,
    check_required,
    custom_report,
    mutabilities,
    title,
)
from hil.certification.patterns import Payload, value_at
from hil.certification.registry import case
from hil.certification.trial import Trial

STATES = {"Available", "Occupied", "Reserved", "Unavailable", "Faulted"}
AVAILABILITY = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}


@case("TC_B_12_CS")
async def configuration_inventory(trial: Trial) -> None:
    """ConfigurationInventory has what can be written."""
    data = await base_report(trial, "ConfigurationInventory")
    check_characteristics(trial, 3, data)
    fixed = [title(row) for row in data if mutabilities(row).isdisjoint({"ReadWrite", "WriteOnly"})]
    trial.checks.value(3, "variables that cannot be written", fixed, [])
    check_required(trial, 3, data, writable=True)


@case("TC_B_13_CS")
async def full_inventory(trial: Trial) -> None:
    """FullInventory has every required variable."""
    data = await base_report(trial, "FullInventory")
    check_characteristics(trial, 3, data)
    check_required(trial, 3, data)


@case("TC_B_14_CS")
async def summary_inventory(trial: Trial) -> None:
    """SummaryInventory has the availability of station, EVSEs and connectors."""
    data = await base_report(trial, "SummaryInventory")
    check_characteristics(trial, 3, data)
    found = {
        (value_at(row, "component.name"), value_at(row, "component.evse.id"))
        for row in data
        if value_at(row, "variable.name") == "AvailabilityState"
    }
    names = {name for name, _ in found}
    trial.checks.true(3, "AvailabilityState of ChargingStation is reported", "ChargingStation" in names)
    for evse_id in trial.configured.connectors:
        trial.checks.true(3, f"AvailabilityState of EVSE {evse_id} is reported", ("EVSE", evse_id) in found)


@case("TC_B_15_CS")
async def summary_inventory_unsupported(trial: Trial) -> None:
    """A station without SummaryInventory answers NotSupported."""
    asked = {"requestId": trial.request_id(), "reportBase": "SummaryInventory"}
    answer = await trial.calls(1, "GetBaseReport", asked, {"status": "NotSupported"})
    check_no_complaint(trial, 2, "GetBaseReport", answer, "UnsupportedParam")
    await trial.nothing_comes(2, "NotifyReport")


@case("TC_B_16_CS")
async def custom_report_by_criterion(trial: Trial) -> None:
    """A report of everything that is Enabled, compared with the full inventory.

    Part 2 (B08.FR.09) has components without this variable in the report too. Part 6 names the variable alone; Part 2 leads.
    """
    inventory = await base_report(trial, "FullInventory")
    enabled = {title(row) for row in inventory if _is_enabled(row, "true")}
    disabled = {_component(row) for row in inventory if _is_enabled(row, "false")}
    data = await custom_report(trial, {"componentCriteria": ["Enabled"]})
    check_characteristics(trial, 3, data)
    others = sorted({title(row) for row in data if _component(row) in disabled})
    trial.checks.value(3, "reported variables of components that are not Enabled", others, [])
    reported = [row for row in data if _is_enabled(row, "true")]
    asked = [{"component": row["component"], "variable": row["variable"]} for row in reported]
    for first in range(0, len(asked), 10):
        answer = await trial.calls(5, "GetVariables", {"getVariableData": asked[first : first + 10]})
        for result in answer["getVariableResult"]:
            pattern = {"attributeStatus": "Accepted", "attributeValue": "true"}
            trial.checks.message(6, f"result for {title(result)}", result, pattern)
    missing = sorted(enabled - {title(row) for row in reported})
    trial.checks.value("after", "Enabled components of the full inventory that are not reported", missing, [])


def _is_enabled(row: Payload, value: str) -> bool:
    return bool(value_at(row, "variable.name") == "Enabled" and str(actual(row)).lower() == value)


def _component(row: Payload) -> tuple[object, object]:
    return value_at(row, "component.name"), str(value_at(row, "component.evse"))


@case("TC_B_17_CS")
async def custom_report_of_one_variable(trial: Trial) -> None:
    """A report of one variable of one EVSE."""
    _check_availability(trial, await custom_report(trial, {"componentVariable": [AVAILABILITY]}))


@case("TC_B_18_CS")
async def custom_report_by_criterion_and_variable(trial: Trial) -> None:
    """Criterion and variable together: once with a result, once without."""
    criteria: Payload = {"componentCriteria": ["Available"], "componentVariable": [AVAILABILITY]}
    _check_availability(trial, await custom_report(trial, criteria))
    asked = {"requestId": trial.request_id(), **criteria, "componentCriteria": ["Problem"]}
    answer = await trial.calls(5, "GetReport", asked, {"status": "EmptyResultSet"})
    check_no_complaint(trial, 6, "GetReport", answer, "NotFound")


def _check_availability(trial: Trial, data: list[Payload]) -> None:
    trial.checks.value(3, "reported rows", [title(row) for row in data], ["EVSE[1].AvailabilityState"])
    pattern = {
        "variableCharacteristics.dataType": "OptionList",
        "variableAttribute[0].mutability": "ReadOnly",
    }
    trial.checks.message(3, "NotifyReport.reportData[0]", data[0], pattern)
    values = {value.strip() for value in str(value_at(data[0], "variableCharacteristics.valuesList")).split(",")}
    trial.checks.value(3, "valuesList of AvailabilityState", values, STATES)


@case("TC_B_53_CS")
async def required_variables_are_reported(trial: Trial) -> None:
    """FullInventory: every required variable, every list with its values, no value of what is WriteOnly."""
    data = await base_report(trial, "FullInventory")
    check_required(trial, "after", data)
    check_characteristics(trial, "after", data)
    check_list_values(trial, "after", data)


ITEMS: Payload = {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage"}}


@case("TC_B_54_CS")
async def custom_report_of_all_instances(trial: Trial) -> None:
    """Without an instance every instance of a variable is reported."""
    data = await custom_report(trial, {"componentVariable": [ITEMS]})
    instances = {value_at(row, "variable.instance") for row in data}
    trial.checks.true(
        3, "GetReport and GetVariables are reported", {"GetReport", "GetVariables"} <= instances, instances
    )
    names = {f"{value_at(row, 'component.name')}.{value_at(row, 'variable.name')}" for row in data}
    trial.checks.value(3, "reported variables", names, {"DeviceDataCtrlr.ItemsPerMessage"})


@case("TC_B_55_CS")
async def custom_report_of_one_instance(trial: Trial) -> None:
    """With an instance this one alone is reported."""
    one: Payload = {**ITEMS, "variable": {"name": "ItemsPerMessage", "instance": "GetReport"}}
    data = await custom_report(trial, {"componentVariable": [one]})
    trial.checks.value(3, "reported rows", [title(row) for row in data], ["DeviceDataCtrlr.ItemsPerMessage[GetReport]"])


@case("TC_B_56_CS")
async def custom_report_of_all_evses(trial: Trial) -> None:
    """Without an EVSE every EVSE is reported."""
    every = {"component": {"name": "EVSE"}, "variable": {"name": "AvailabilityState"}}
    data = await custom_report(trial, {"componentVariable": [every]})
    found = sorted(title(row) for row in data)
    trial.checks.value(
        3, "reported rows", found, [f"EVSE[{evse}].AvailabilityState" for evse in trial.configured.connectors]
    )
