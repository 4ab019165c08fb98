"""The device model: components and variables, what may be set to what, and what was set.

Owns lookup, checking and reporting. The rows are in `variables`; a value is the set one, else a live one, else the
row's default. OCPP 2.0.1 Part 2, B05 to B08.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from chargepoint.ocpp.kept import Space
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import is_date_time
from chargepoint.store.rows import Keep


class Mutability(Enum):
    """MutabilityEnumType."""

    READ_ONLY = "ReadOnly"
    WRITE_ONLY = "WriteOnly"
    READ_WRITE = "ReadWrite"


class AttributeType(Enum):
    """AttributeEnumType."""

    ACTUAL = "Actual"
    TARGET = "Target"
    MIN_SET = "MinSet"
    MAX_SET = "MaxSet"


class DataType(Enum):
    """DataEnumType."""

    STRING = "string"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BOOLEAN = "boolean"
    OPTION_LIST = "OptionList"
    SEQUENCE_LIST = "SequenceList"
    MEMBER_LIST = "MemberList"


@dataclass(frozen=True, slots=True)
class Variable:
    """One row: one attribute of a variable of a component. Rows of the same variable differ in `attribute` only.

    `default` None: the value is read when asked for, and may be unknown. "": the value is a text that nobody set.
    `minimum`, `maximum` bound numbers, for strings `maximum` is the length. `summary`: part of the SummaryInventory (availability and condition).
    """

    component: str
    name: str
    data_type: DataType
    default: str | None = None
    mutability: Mutability = Mutability.READ_ONLY
    instance: str = ""
    evse_id: int | None = None
    connector_id: int | None = None
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    least: int = 0
    """So many members a list must have."""
    reboot_required: bool = False
    summary: bool = False
    attribute: AttributeType = AttributeType.ACTUAL

    @property
    def monitored(self) -> bool:
        """A monitor on it can find something: its actual value may change."""
        changes = self.default is None or self.mutability is not Mutability.READ_ONLY
        return changes and self.attribute is AttributeType.ACTUAL

    @property
    def place(self) -> Payload:
        """Its component and its name, as messages carry them."""
        component: Payload = {"name": self.component}
        if self.evse_id is not None:
            component["evse"] = {"id": self.evse_id}
            if self.connector_id is not None:
                component["evse"]["connectorId"] = self.connector_id
        return {"component": component, "variable": {"name": self.name, **_instance(self)}}

    @property
    def key(self) -> str:
        """The row's name in the store: `Component@evse.connector/Variable[instance]:Attribute`.

        Absent parts are left out, and the attribute Actual.
        """
        place = "" if self.evse_id is None else f"@{self.evse_id}"
        place += "" if self.connector_id is None else f".{self.connector_id}"
        name = f"{self.component}{place}/{self.name}" + (f"[{self.instance}]" if self.instance else "")
        return name if self.attribute is AttributeType.ACTUAL else f"{name}:{self.attribute.value}"


@dataclass(frozen=True, slots=True)
class Setting:
    """The outcome of one SetVariableData: its result element, and what to keep under which key if accepted."""

    result: Payload
    key: str | None = None
    value: str | None = None


_Place = tuple[str, str, int | None, int | None]
_Attributes = dict[AttributeType, Variable]


class DeviceModel:
    """Variables by name; names are case-insensitive (identifierString), answers repeat what was asked."""

    def __init__(
        self,
        rows: Iterable[Variable],
        kept: Space,
        live: Callable[[Variable], str | None] = lambda _: None,
    ) -> None:
        self._rows = tuple(rows)
        self._by_key = {row.key: row for row in self._rows}
        self._kept = kept
        self._live = live
        self._components: dict[_Place, dict[tuple[str, str], _Attributes]] = {}
        for row in self._rows:
            place = (row.component.casefold(), "", row.evse_id, row.connector_id)
            variables = self._components.setdefault(place, {})
            variables.setdefault((row.name.casefold(), row.instance.casefold()), {})[row.attribute] = row

    # -- for the station itself --------------------------------------------------------------------------------------

    def text(self, key: str) -> str:
        """The value under a key; "" where there is none. Raises KeyError for an unknown key."""
        return self._value(self._by_key[key]) or ""

    def integer(self, key: str) -> int:
        """The value as a whole number."""
        return int(self.text(key) or 0)

    def flag(self, key: str) -> bool:
        """The value as yes or no."""
        return self.text(key).lower() == "true"

    def members(self, key: str) -> tuple[str, ...]:
        """The value as a list."""
        return tuple(part.strip() for part in self.text(key).split(",") if part.strip())

    def has(self, key: str) -> bool:
        """There is a row of this key."""
        return key in self._by_key

    def row(self, key: str) -> Variable:
        """The row of this key. Raises KeyError for an unknown key."""
        return self._by_key[key]

    def rows_named(self, component: str, name: str) -> tuple[Variable, ...]:
        """The rows of a variable, of each EVSE and connector that has it."""
        return tuple(row for row in self._rows if (row.component, row.name) == (component, name))

    def present(self, row: Variable) -> str | None:
        """The value of a row now; None where it is unknown."""
        return self._value(row)

    def was_set(self, key: str) -> bool:
        """Somebody set it; the default does not count."""
        return self._set_value(self._by_key[key]) is not None

    def keep(self, key: str, value: str) -> Keep:
        """The effect that keeps a value which was checked."""
        return self._kept.keep(key, value)

    def forget(self, key: str) -> Keep:
        """The effect that brings back the row's own value."""
        return self._kept.forget(key)

    # -- for the central system --------------------------------------------------------------------------------------

    def get(self, data: Payload) -> Payload:
        """One GetVariableData to its GetVariableResult. B06.FR.01 to FR.15."""
        asked_type = data.get("attributeType")
        result: Payload = {
            "attributeStatus": "Accepted",
            "attributeType": asked_type or "Actual",  # B06.FR.03, FR.11
            "component": data["component"],
            "variable": data["variable"],
        }
        attributes = self._attributes(data)
        if isinstance(attributes, str):
            result["attributeStatus"] = attributes  # B06.FR.06, FR.07, FR.15
        elif (row := attributes.get(AttributeType(asked_type or "Actual"))) is None:
            result["attributeStatus"] = "NotSupportedAttributeType"  # B06.FR.08
        elif row.mutability is Mutability.WRITE_ONLY:
            result["attributeStatus"] = "Rejected"  # B06.FR.09
            result["attributeStatusInfo"] = {"reasonCode": "WriteOnly"}
        elif (value := self._value(row)) is None:
            result["attributeStatus"] = "Rejected"  # B06.FR.10: Accepted only where the value could be read
            result["attributeStatusInfo"] = {"reasonCode": "NoValue", "additionalInfo": f"{row.name} is unknown now"}
            result["attributeValue"] = ""  # B06.FR.13
        else:
            result["attributeValue"] = value  # B06.FR.10
        return result

    def set(self, data: Payload) -> Setting:
        """One SetVariableData to its outcome; nothing changes until its effect is taken. B05.FR.01 to FR.12."""
        asked_type = data.get("attributeType")
        result: Payload = {
            "attributeType": asked_type or "Actual",  # B05.FR.03, FR.12
            "component": data["component"],
            "variable": data["variable"],
        }

        attributes = self._attributes(data)
        if isinstance(attributes, str):
            return Setting({**result, "attributeStatus": attributes})  # B05.FR.04, FR.05
        row = attributes.get(AttributeType(asked_type or "Actual"))
        if row is None:
            return Setting({**result, "attributeStatus": "NotSupportedAttributeType"})  # B05.FR.06
        if row.mutability is Mutability.READ_ONLY:
            return Setting(refused(result, "ReadOnly"))  # B05.FR.09
        problem = _problem(row, data["attributeValue"])
        if problem is not None:
            return Setting(refused(result, *problem))  # B05.FR.07, FR.08
        status = "RebootRequired" if row.reboot_required else "Accepted"
        return Setting({"attributeStatus": status, **result}, row.key, data["attributeValue"])  # B05.FR.10

    def find(self, data: Payload) -> Variable | str:
        """The row that `component` and `variable` of a message name: the actual value, where it has one.

        Else UnknownComponent or UnknownVariable.
        """
        attributes = self._attributes(data)
        return attributes if isinstance(attributes, str) else next(iter(attributes.values()))

    def _attributes(self, data: Payload) -> _Attributes | str:
        component, variable = data["component"], data["variable"]
        evse = component.get("evse") or {}
        place = (
            component["name"].casefold(),
            component.get("instance", "").casefold(),
            evse.get("id"),
            evse.get("connectorId"),
        )
        variables = self._components.get(place)
        if variables is None:
            return "UnknownComponent"
        return variables.get((variable["name"].casefold(), variable.get("instance", "").casefold()), "UnknownVariable")

    def report(self, wanted: Callable[[Variable], bool]) -> list[Payload]:
        """ReportData of the variables of which a row is wanted, component by component. B07.FR.07 to FR.11."""
        found: list[Payload] = []
        for variables in self._components.values():
            for attributes in variables.values():
                if any(map(wanted, attributes.values())):
                    found.append(self._reported(attributes))
        return found

    def component_flag(self, row: Variable, name: str) -> str | None:
        """The value of a boolean variable (Active, Available …) of a row's component, None if it has none."""
        place = (row.component.casefold(), "", row.evse_id, row.connector_id)
        sibling = self._components[place].get((name.casefold(), ""), {}).get(AttributeType.ACTUAL)
        return None if sibling is None else self._value(sibling)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _value(self, row: Variable) -> str | None:
        value = self._set_value(row)
        if value is None:
            value = row.default
        return self._live(row) if value is None else value

    def _set_value(self, row: Variable) -> str | None:
        """A stored value that an earlier version took and this one would not does not count."""
        value = self._kept.get(row.key)
        return value if isinstance(value, str) and _may_be(row, value) else None

    def _report_attribute(self, row: Variable) -> Payload:
        attribute: Payload = {"type": row.attribute.value, "mutability": row.mutability.value, "persistent": True}
        value = None if row.mutability is Mutability.WRITE_ONLY else self._value(row)
        if value is not None:
            attribute["value"] = value[:2500]
        return attribute

    def _reported(self, attributes: _Attributes) -> Payload:
        row = next(iter(attributes.values()))
        characteristics: Payload = {"dataType": row.data_type.value, "supportsMonitoring": row.monitored}
        if row.unit:
            characteristics["unit"] = row.unit
        if row.minimum is not None:
            characteristics["minLimit"] = row.minimum
        if row.maximum is not None:
            characteristics["maxLimit"] = row.maximum
        if row.values:
            characteristics["valuesList"] = ",".join(row.values)
        return {
            **row.place,
            "variableAttribute": [self._report_attribute(each) for each in attributes.values()],  # B07.FR.11
            "variableCharacteristics": characteristics,
        }


def refused(result: Payload, reason_code: str, text: str = "") -> Payload:
    """The SetVariableResult `result`, as Rejected with its reason."""
    info = {"reasonCode": reason_code, **({"additionalInfo": text[:512]} if text else {})}
    return {**result, "attributeStatus": "Rejected", "attributeStatusInfo": info}


def _instance(row: Variable) -> Payload:
    return {"instance": row.instance} if row.instance else {}


def _may_be(row: Variable, value: str) -> bool:
    return row.mutability is not Mutability.READ_ONLY and _problem(row, value) is None


def _problem(row: Variable, value: str) -> tuple[str, str] | None:
    """(reasonCode, text) where a value does not fit its row."""
    match row.data_type:
        case DataType.INTEGER | DataType.DECIMAL:
            number = float(value) if _NUMBERS[row.data_type].fullmatch(value) else math.nan
            if not math.isfinite(number):
                return "InvalidValue", f"{row.name} = {value[:40]!r}: not {_ARTICLES[row.data_type]}"
            if row.minimum is not None and number < row.minimum:
                return "ValueTooLow", f"{row.name} = {value[:40]}: at least {row.minimum:g}"
            if row.maximum is not None and number > row.maximum:
                return "ValueTooHigh", f"{row.name} = {value[:40]}: at most {row.maximum:g}"
        case DataType.BOOLEAN:
            if value not in ("true", "false"):
                return "InvalidValue", f"{row.name} = {value[:40]!r}: true or false"
        case DataType.OPTION_LIST:
            if value not in row.values:
                return "InvalidValue", f"{row.name} = {value[:40]!r}: one of {', '.join(row.values)}"
        case DataType.MEMBER_LIST | DataType.SEQUENCE_LIST:
            parts = [part.strip() for part in value.split(",")] if value else []
            strange = [part for part in parts if part not in row.values]
            if strange or len(set(parts)) != len(parts):
                return (
                    "InvalidValue",
                    f"{row.name}: {', '.join(strange)[:200] or 'a member twice'}; known: {', '.join(row.values)}",
                )
            if len(parts) < row.least:
                return "InvalidValue", f"{row.name} is empty: at least {row.least} of {', '.join(row.values)}"
        case DataType.DATE_TIME:
            if not is_date_time(value):
                return "InvalidValue", f"{row.name}: not an RFC 3339 date-time"
        case DataType.STRING:
            if row.maximum is not None and len(value) > row.maximum:
                return "ValueTooHigh", f"{row.name}: {len(value)} characters, at most {row.maximum:g}"
    return None


NUMERIC = (DataType.INTEGER, DataType.DECIMAL)

_NUMBERS = {
    DataType.INTEGER: re.compile(r"[+-]?\d+", re.ASCII),
    DataType.DECIMAL: re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII),
}
"""Python's own int() and float() take more than OCPP means: «1_000», « 5», «1e3», other scripts' digits."""

_ARTICLES = {DataType.INTEGER: "a whole number", DataType.DECIMAL: "a number"}
