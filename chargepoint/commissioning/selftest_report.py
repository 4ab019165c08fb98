"""The self-test's report as text and as JSON, and the schema of the latter. Pure.

docs/selftest.schema.json is made by `python -m chargepoint.commissioning.selftest_report`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from chargepoint.commissioning.measure import Measure, StepVerdict
from chargepoint.commissioning.selftest_items import ItemResult

VERSION = 1
_MARK = {StepVerdict.PASS: "pass", StepVerdict.FAIL: "FAIL", StepVerdict.NOT_RUN: "----"}


def lines(result: ItemResult) -> list[str]:
    """One item for a person: verdict, where, title, values with limits; the reason and remedy where it is not good."""
    values = ", ".join(map(str, result.result.measures))
    head = f"{_MARK[result.verdict]}  {result.where}: {result.title}" + (f": {values}" if values else "")
    below = []
    if result.result.reason:
        below.append(f"      {'not run' if result.verdict is StepVerdict.NOT_RUN else 'why'}: {result.result.reason}")
    if result.verdict is StepVerdict.FAIL:
        below.append(f"      do: {result.remedy}")
    return [head, *below]


def summary(results: Sequence[ItemResult]) -> str:
    """How many of each verdict."""
    count = Counter(result.verdict for result in results)
    return f"{count[StepVerdict.PASS]} passed, {count[StepVerdict.FAIL]} failed, {count[StepVerdict.NOT_RUN]} not run"


def as_json(results: Sequence[ItemResult], *, config: str, started: str, seconds: float) -> dict[str, Any]:
    """The whole report; `started` is UTC in ISO 8601."""
    count = Counter(result.verdict for result in results)
    return {
        "version": VERSION,
        "config": config,
        "started": started,
        "seconds": round(seconds, 1),
        "passed": count[StepVerdict.PASS],
        "failed": count[StepVerdict.FAIL],
        "not_run": count[StepVerdict.NOT_RUN],
        "items": [_item(result) for result in results],
    }


def _item(result: ItemResult) -> dict[str, Any]:
    return {
        "item": result.item,
        "where": result.where,
        "title": result.title,
        "verdict": result.verdict.value,
        "reason": result.result.reason,
        "remedy": result.remedy,
        "measures": [_measure(measure) for measure in result.result.measures],
    }


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "value": measure.json_value,
        "unit": measure.unit,
        "low": measure.low,
        "high": measure.high,
        "expected": measure.expected,
        "good": measure.good,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def schema() -> str:
    """JSON Schema of the report, as text."""
    text, number, count = {"type": "string"}, {"type": ["number", "null"]}, {"type": "integer", "minimum": 0}
    measure = _object(
        {
            "name": text,
            "value": {"type": ["number", "string", "boolean", "null"], "description": "null: nothing was measured"},
            "unit": text,
            "low": {**number, "description": "least good value; null: no bound"},
            "high": {**number, "description": "greatest good value; null: no bound"},
            "expected": {"type": ["string", "boolean", "null"], "description": "the only good value; null: any"},
            "good": {"type": "boolean"},
        }
    )
    item = _object(
        {
            "item": text,
            "where": text,
            "title": text,
            "verdict": {"enum": [verdict.value for verdict in StepVerdict]},
            "reason": {**text, "description": "why it failed or did not run; empty where it passed"},
            "remedy": text,
            "measures": {"type": "array", "items": measure},
        }
    )
    report = _object(
        {
            "version": {"const": VERSION},
            "config": text,
            "started": {**text, "description": "UTC, ISO 8601"},
            "seconds": {"type": "number", "minimum": 0},
            "passed": count,
            "failed": count,
            "not_run": count,
            "items": {"type": "array", "items": item},
        }
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "report of chargepoint selftest --json"}
    return json.dumps({**head, **report}, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
