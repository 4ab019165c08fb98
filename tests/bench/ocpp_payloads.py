"""Payloads for a hostile central system: made from the schemas at random, spoilt in one place, and judged by another validator than ours.

The station validates with jsonschema-rs; the judgement here is made with `jsonschema` and the table of Part 4 alone.
"""

from __future__ import annotations

import copy
import importlib.resources
import json
import random
import re
from datetime import datetime
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from chargepoint.ocpp.version import OcppVersion

Payload = dict[str, Any]

WORDS = (
    "tx-1", "", "x", "org.openchargepoint", "EVSE", "Connector", "OCPPCommCtrlr", "HeartbeatInterval", "Enabled", "SmartChargingCtrlr",
    "MessageAttempts", "TransactionEvent", "TxCtrlr", "SampledDataCtrlr", "TxUpdatedInterval", "BasicAuthPassword", "SecurityCtrlr",
    "Power", "true", "60", "-5", "04A1B2C3", "en", "https://127.0.0.1:9/x", "Ünïcödé ✓", "line\nbreak",
)  # fmt: skip
TIMES = ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5+02:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
BAD_TIMES = ("yesterday", "2026-13-01T00:00:00Z", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01T25:00:00Z", "")
NUMBERS = (-3, -1, 0, 1, 2, 3, 5, 64, 86_400, 10**17, -(10**17), 2.5, -2.5e-9, 1e15)
INTEGERS = (*(number for number in NUMBERS if number == int(number)), 2**31, 7.0, 1e300)
"""JSON and its schemas have one number where Python has 1 and 1.0."""
DEEP = 300
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_CODES = {
    "additionalProperties": "FormatViolation",
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
}
_OTHER = "PropertyConstraintViolation"


def _is_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _RFC3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value.upper().replace("Z", "+00:00")[:19])
    except ValueError:
        return False
    return True


class Payloads:
    """Of one OCPP version. `places`: components with their variables that the station has."""

    def __init__(self, version: OcppVersion) -> None:
        self.places: list[Payload] = []
        package, _, folder = version.schema_package.partition(".")
        self._root = importlib.resources.files(package) / folder / "schemas"
        self._schemas: dict[str, Payload] = {}
        self._validators: dict[str, Any] = {}
        self._formats = jsonschema.FormatChecker(formats=())
        self._formats.checks("date-time")(_is_time)

    def schema(self, name: str) -> Payload:
        """The document of `ResetRequest` and the like."""
        if name not in self._schemas:
            self._schemas[name] = json.loads((self._root / f"{name}.json").read_text("utf-8-sig"))
        return self._schemas[name]

    def codes(self, name: str, payload: object) -> set[str]:
        """The error codes of Part 4, 4.3 that are true of this payload; empty where it fits."""
        if not isinstance(payload, dict):
            return {"FormatViolation"}
        if name not in self._validators:
            schema = self.schema(name)
            kind = jsonschema.validators.validator_for(schema)
            self._validators[name] = kind(schema, format_checker=self._formats)
        codes = {_CODES.get(str(error.validator), _OTHER) for error in self._validators[name].iter_errors(payload)}
        # what is nested deeper than any schema is no proper payload, whatever else it is
        return codes | {"FormatViolation"} if codes and _depth(payload) >= DEEP else codes

    def made(self, name: str, order: random.Random) -> Payload:
        """One that fits, as a rule."""
        root = self.schema(name)
        made: Payload = self._made(root, root, order)
        return made

    def _made(self, schema: Payload, root: Payload, order: random.Random) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            return self._made(root["definitions"][name], root, order)
        if "enum" in schema:
            return order.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                required = schema.get("required", [])
                made = {
                    name: self._made(part, root, order)
                    for name, part in schema.get("properties", {}).items()
                    if name in required or order.random() < 0.35
                }
                if self.places and {"component", "variable"} <= made.keys() and order.random() < 0.7:
                    made |= order.choice(self.places)
                return made
            case "array":
                least = schema.get("minItems", 0)
                count = order.randint(least, max(least, min(schema.get("maxItems", 3), 3)))
                return [self._made(schema["items"], root, order) for _ in range(count)]
            case "integer":
                return order.choice((0, 1, 1.0, 2, 3.0, 10, 60) if order.random() < 0.6 else INTEGERS)
            case "number":
                return order.choice(NUMBERS)
            case "boolean":
                return order.random() < 0.5
            case "string" if schema.get("format") == "date-time":
                return order.choice(TIMES)
            case "string":
                return order.choice(WORDS)[: schema.get("maxLength", 99)]
            case _:
                return order.choice([None, 5, "text", {"a": [1]}, []])


# -- spoiling ------------------------------------------------------------------------------------------------------------


def spoilt(payload: Payload, order: random.Random) -> Any:
    """The payload with something wrong somewhere; it may fit its schema all the same."""
    payload = copy.deepcopy(payload)
    kind = order.randrange(10)
    if kind == 0:
        return order.choice([None, [], "text", 5, True, [payload]])
    holder = order.choice(list(_objects(payload)))
    if kind == 1:
        holder[order.choice(["extra", "customdata", "", "x" * 100])] = order.choice([1, None, "x", {}, nested(DEEP)])
        return payload
    if not holder:
        holder["customData"] = {"vendorId": 5}
        return payload
    name = order.choice(list(holder))
    if kind == 2:
        del holder[name]
    elif kind == 3:
        holder[name] = order.choice([None, True, 1, 1.5, "text", "", [], {}, [[]], {"a": {}}])
    elif kind == 4:
        holder[name] = order.choice(["x" * 60, "x" * 3000, "x" * 100_000, "\u0000", "\U0001f50c" * 600])
    elif kind == 5 and isinstance(holder[name], list):
        holder[name] = order.choice([[], holder[name] * 40, [None], [holder[name]]])
    elif kind == 6:
        holder[name] = order.choice([*BAD_TIMES, *NUMBERS])
    elif kind == 7:
        holder[name] = nested(DEEP)
    elif kind == 8:
        holder[name.swapcase()] = holder.pop(name)
    else:
        holder[name] = order.choice([-1, 0, 2**31, -(2**31), 10**17, 0.1, 1e17, -1e300])
    return payload


def has_huge_number(value: Any) -> bool:
    """A number of more than 18 digits somewhere: the station reads no message with one."""
    if isinstance(value, dict):
        return any(map(has_huge_number, value.values()))
    if isinstance(value, list):
        return any(map(has_huge_number, value))
    if isinstance(value, float):
        return abs(value) >= 1e18
    return isinstance(value, int) and len(str(value)) > 18


def nested(depth: int) -> Any:
    """Objects in objects."""
    value: Any = 1
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _objects(value: Any) -> list[Payload]:
    found: list[Payload] = [value] if isinstance(value, dict) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += _objects(inner)
    return found
