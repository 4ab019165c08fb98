"""Reports of the device model: GetBaseReport and GetReport with their NotifyReports, checked and put together."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.certification.patterns import Payload, about, one_of, value_at
from hil.certification.trial import Trial
from hil.certification.validation import Step

REQUIRED_FILE = Path(__file__).parent / "data" / "required_variables.csv"
LISTS = ("OptionList", "SequenceList", "MemberList")
NO_COMPLAINT = one_of("NoError")


@dataclass(frozen=True, slots=True)
class RequiredVariable:
    """A variable that every station of a profile has, and whether it must be writable."""

    component: str
    variable: str
    instance: str
    profile: str
    writable: bool

    @property
    def name(self) -> str:
        """`Component.Variable[Instance]`."""
        return f"{self.component}.{self.variable}" + (f"[{self.instance}]" if self.instance else "")


def required_variables(file: Path = REQUIRED_FILE) -> tuple[RequiredVariable, ...]:
    """Part 2, referenced components and variables that are required."""
    with file.open(encoding="utf-8", newline="") as source:
        return tuple(
            RequiredVariable(
                row["component"], row["variable"], row["instance"], row["profile"], row["writable"] == "yes"
            )
            for row in csv.DictReader(source)
        )


async def base_report(trial: Trial, base: str) -> list[Payload]:
    """The reportData of a base report."""
    number = trial.request_id()
    await _asked(trial, 1, "GetBaseReport", {"requestId": number, "reportBase": base})
    return await collect(trial, 3, number)


async def custom_report(trial: Trial, criteria: Payload, step: Step = 1) -> list[Payload]:
    """The reportData of a custom report."""
    number = trial.request_id()
    await _asked(trial, step, "GetReport", {"requestId": number, **criteria})
    return await collect(trial, step, number)


async def _asked(trial: Trial, step: Step, action: str, payload: Payload) -> None:
    answer = await trial.calls(step, action, payload, {"status": "Accepted"})
    check_no_complaint(trial, step, action, answer)


def check_no_complaint(trial: Trial, step: Step, action: str, answer: Payload, *allowed: str) -> None:
    """A statusInfo, where there is one, has one of these reason codes (NoError where none is named)."""
    if "statusInfo" in answer:
        pattern = {"statusInfo.reasonCode": one_of(*(allowed or ("NoError",)))}
        trial.checks.message(step, f"{action}Response", answer, pattern)


async def collect(trial: Trial, step: Step, request_id: int) -> list[Payload]:
    """The reportData of every NotifyReport of one request."""
    parts = await report_parts(trial, step, "NotifyReport", request_id)
    return [row for part in parts for row in part.get("reportData", [])]


async def report_parts(trial: Trial, step: Step, action: str, request_id: int) -> list[Payload]:
    """Every message of this action that answers one request, in the order of seqNo, until tbc is false."""
    parts: list[Payload] = []
    while True:
        call = await trial.expects(step, action, {"seqNo": len(parts)}, where={"requestId": request_id})
        made = about(call.clock, trial.configured.time_tolerance_s)
        trial.checks.message(step, action, call.payload, {"generatedAt": made})
        parts.append(call.payload)
        if not call.payload.get("tbc", False):
            return parts


async def mutability(trial: Trial, component: str, variable: str) -> str | None:
    """How a variable can be used, from a custom report; None where there is no such variable, or no such report."""
    number = trial.request_id()
    asked = {"component": {"name": component}, "variable": {"name": variable}}
    answer = await trial.calls(
        "before", "GetReport", {"requestId": number, "componentVariable": [asked]}, evidence=False
    )
    if answer["status"] != "Accepted":
        return None
    data = await collect(trial, "before", number)
    return mutabilities(data[0]).pop() if data else None


def check_characteristics(trial: Trial, step: Step, data: list[Payload]) -> None:
    """Each variable has characteristics, each list its values."""
    without = [title(row) for row in data if "variableCharacteristics" not in row]
    trial.checks.value(step, "variables without variableCharacteristics", without, [])
    bare = [title(row) for row in data if _kind(row) in LISTS and not row["variableCharacteristics"].get("valuesList")]
    trial.checks.value(step, "lists without valuesList", bare, [])


def check_list_values(trial: Trial, step: Step, data: list[Payload]) -> None:
    """Each value of a list variable is made of its valuesList, and no WriteOnly variable shows its value."""
    strange, shown = [], []
    for row in data:
        known = {value.strip() for value in str(value_at(row, "variableCharacteristics.valuesList")).split(",")}
        for attribute in row.get("variableAttribute", []):
            value = attribute.get("value")
            if value and _kind(row) in LISTS and not {part.strip() for part in value.split(",")} <= known:
                strange.append(f"{title(row)} = {value}")
            if attribute.get("mutability") == "WriteOnly" and value is not None:
                shown.append(title(row))
    trial.checks.value(step, "values outside their valuesList", strange, [])
    trial.checks.value(step, "WriteOnly variables that show their value", shown, [])


def check_required(trial: Trial, step: Step, data: list[Payload], *, writable: bool = False) -> None:
    """Every variable that the claimed profiles require is reported; with `writable` only those that can be written."""
    reported = {(value_at(row, "component.name"), value_at(row, "variable.name"), _instance(row)) for row in data}
    names = {(component, variable) for component, variable, _ in reported}
    missing = [
        required.name
        for required in required_variables()
        if trial.pics.features[required.profile]
        and (required.writable or not writable)
        and (required.component, required.variable, required.instance) not in reported
        and (required.instance or (required.component, required.variable) not in names)
    ]
    trial.checks.value(step, "required variables that are not reported", missing, [])


def mutabilities(row: Payload) -> set[str]:
    """Of all attributes of a reported variable; ReadWrite where an attribute does not say."""
    return {attribute.get("mutability", "ReadWrite") for attribute in row.get("variableAttribute", [])}


def actual(row: Payload) -> Any:
    """The actual value of a reported variable; None where there is none."""
    for attribute in row.get("variableAttribute", []):
        if attribute.get("type", "Actual") == "Actual":
            return attribute.get("value")
    return None


def title(row: Payload) -> str:
    """Component and variable of a reported row, for people."""
    evse = value_at(row, "component.evse.id")
    place = f"[{evse}]" if isinstance(evse, int) else ""
    instance = _instance(row)
    return f"{value_at(row, 'component.name')}{place}.{value_at(row, 'variable.name')}" + (
        f"[{instance}]" if instance else ""
    )


def _instance(row: Payload) -> str:
    instance = value_at(row, "variable.instance")
    return instance if isinstance(instance, str) else ""


def _kind(row: Payload) -> object:
    return value_at(row, "variableCharacteristics.dataType")
