"""Live values as text: rows of a table for a terminal of any width, one line for each change, or JSON. Pure."""

from __future__ import annotations

import json
import math

from chargepoint.commissioning.measure import StepResult, shown
from chargepoint.commissioning.points import LivePoint, LiveTable

WIDE = 100
"""From this many columns on a row has the raw registers and the smallest and largest value too. A phone has 40 to 60."""


def table(live: LiveTable, now_s: float, width: int, height: int) -> list[str]:
    """At most `height` rows of at most `width` characters; the last one says how many did not fit."""
    lines = [row(point, now_s, width) for point in live.rows.values()]
    if len(lines) > height:
        bad = [line for line, point in zip(lines, live.rows.values(), strict=True) if point.bad(now_s)]
        good = [line for line in lines if line not in bad]
        kept = (bad + good)[: max(1, height - 1)]
        lines = [*kept, f"... {len(lines) - len(kept)} more: make the window larger, or use --plain"[:width]]
    return lines


def row(point: LivePoint, now_s: float, width: int) -> str:
    """Name, value with unit, age, verdict; in a wide terminal also registers, smallest, largest, number of changes."""
    last = point.last
    value = shown(last.value) + (f" {last.unit}" if last.unit else "")
    bad = point.bad(now_s)
    verdict = f"BAD {bad}" if bad else "good"
    if width < WIDE:
        return f"{last.name:20.20} {value:>14.14} {_age(point, now_s):>6} {verdict}"[:width]
    raw = " ".join(f"{register:04X}" for register in last.registers[:4])
    seen = f"{shown(point.lowest)} .. {shown(point.highest)}" if math.isfinite(point.lowest) else ""
    return (
        f"{last.name:26.26} {value:>18.18} {_age(point, now_s):>6} {raw:19} {seen:24.24} {point.changes:5} {verdict}"[
            :width
        ]
    )


def _age(point: LivePoint, now_s: float) -> str:
    return "-" if point.last.taken_at_s is None else f"{max(0.0, now_s - point.last.taken_at_s):.1f}s"


def change(point: LivePoint, now_s: float, began_s: float) -> str:
    """One line for a value that is new or changed."""
    last = point.last
    value = shown(last.value) + (f" {last.unit}" if last.unit else "")
    bad = point.bad(now_s)
    return f"{now_s - began_s:8.2f} s  {last.name} = {value}" + (f"  BAD {bad}" if bad else "")


def as_json(device: str, point: LivePoint, now_s: float, began_s: float) -> str:
    """One JSON object for a value: `time_s` counts from the start of bring-up."""
    last, bad = point.last, point.bad(now_s)
    found = {
        "time_s": round(now_s - began_s, 3),
        "device": device,
        "point": last.name,
        "value": last.value if not isinstance(last.value, float) or math.isfinite(last.value) else None,
        "unit": last.unit,
        "age_s": None if last.taken_at_s is None else round(max(0.0, now_s - last.taken_at_s), 3),
        "registers": list(last.registers),
        "lowest": point.lowest if math.isfinite(point.lowest) else None,
        "highest": point.highest if math.isfinite(point.highest) else None,
        "changes": point.changes,
        "good": not bad,
        "reason": bad,
    }
    return json.dumps(found, ensure_ascii=False)


def outcome(name: str, result: StepResult) -> list[str]:
    """A step's result for a person: the verdict, each measured value with its limit, the reason."""
    lines = [f"{name}: {result.verdict.value.upper()}" + (f": {result.reason}" if result.reason else "")]
    return lines + [f"  {'   ' if measure.good else 'BAD'} {measure}" for measure in result.measures]


def outcome_json(device: str, name: str, result: StepResult) -> str:
    """A step's result as one JSON object."""
    measures = [
        {"name": one.name, "value": one.json_value, "unit": one.unit, "limit": one.limit, "good": one.good}
        for one in result.measures
    ]
    found = {"device": device, "command": name, "verdict": result.verdict.value, "reason": result.reason}
    return json.dumps({**found, "measures": measures}, ensure_ascii=False)
