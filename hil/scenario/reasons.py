"""Reasons of a failure, each one sentence for people: what was expected, what was seen instead, and when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from hil.record.line import STATION
from hil.record.record import BenchRecord
from hil.scenario.condition import (
    MessageCondition,
    RecordCondition,
    SeenValue,
    SignalCondition,
    seen_words,
    value_in,
    value_seen,
)
from hil.scenario.judgement import JudgedTime, TrueSpan, first_true
from hil.scenario.step import ExpectStep, NeverStep
from hil.scenario.value_test import number_of, text_of

SURROUNDINGS = ("stage", "faults", "car_phase", "car_error", "contactor", "pilot", "voltage_V", "current_A", "power_W")
"""Signals that a reason names beside those of its condition."""
SHOWN_VALUES_MAX = 5


def missed(step: ExpectStep, record: BenchRecord, judged: JudgedTime, after_line: int) -> str:
    """Why the expectation was not met. `judged` goes beyond the step's own time, as far as was looked on."""
    ends_s = judged.from_s + step.within_s
    parts = list(step.condition.unmet(record, ends_s, judged.since_s))
    said = "; ".join(_instead(part, record, judged, ends_s) for part in parts) or "it was true at the last moment only"
    after = f" of line {after_line}" if after_line and step.within_s else ""
    when = f"within {text_of(step.within_s)} s{after}" if step.within_s else "now"
    return f"expected {step.condition.words()} {when}: {said}{_surroundings(step, record, ends_s)}"


def broken(step: ExpectStep, record: BenchRecord, judged: JudgedTime, span: TrueSpan) -> str:
    """Why the expectation did not last."""
    began_s, ended_s = span.from_s - judged.from_s, span.to_s
    parts = list(step.condition.unmet(record, ended_s, judged.since_s))
    then = " and ".join(_at(part, record, ended_s) for part in parts)
    return (
        f"expected {step.condition.words()} for {text_of(step.for_s)} s: it was true from {began_s:.2f} s on, "
        f"but only for {ended_s - span.from_s:.2f} s; then {then}{_surroundings(step, record, ended_s)}"
    )


def violated(step: NeverStep, record: BenchRecord, began_s: float, at_s: float) -> str:
    """Why what must never be true was true: with the values, where the condition does not say them."""
    words = step.condition.words()
    seen = ", ".join(seen_words(each) for each in seen_in(step.condition, record, at_s))
    values = f": {seen}" if seen and seen != words else ""
    return (
        f"{words} must not be true, and was {at_s - began_s:.2f} s after this step began{values}"
        f"{_surroundings(step, record, at_s)}"
    )


def seen_in(condition: RecordCondition, record: BenchRecord, at_s: float) -> tuple[SeenValue, ...]:
    """The values of the condition's signals then."""
    return tuple(value_seen(record, signal, evse, at_s) for signal, evse in dict.fromkeys(condition.signals()))


def _instead(part: RecordCondition, record: BenchRecord, judged: JudgedTime, ends_s: float) -> str:
    """What was seen in place of this part, and when it came true after all."""
    late_s = first_true(part, record, judged.from_on(ends_s))
    if isinstance(part, MessageCondition):
        return _no_message(part, record, judged, late_s)
    if not isinstance(part, SignalCondition):
        return f"{part.words()} was not true"
    if late_s is not None:
        before = value_seen(record, part.signal, part.evse, math.nextafter(late_s, -math.inf))
        return f"{part.signal} was {text_of(before.value)} until {late_s - judged.from_s:.2f} s"
    held = list(record.history(part.signal, part.evse, judged.from_s, ends_s))
    if not held:
        return f"{part.signal} was unknown"
    if len(held) == 1 and held[0].from_s <= judged.from_s:
        return f"{part.signal} was {text_of(held[0].value)} all the time"
    numbers = [number for each in held if (number := number_of(each.value)) is not None]
    if len(numbers) == len(held):
        return (
            f"{part.signal} was {text_of(numbers[-1])} at last, "
            f"and between {text_of(min(numbers))} and {text_of(max(numbers))} before"
        )
    values = [text_of(each.value) for each in held][-SHOWN_VALUES_MAX:]
    return f"{part.signal} was {', then '.join(values)}"


def _no_message(part: MessageCondition, record: BenchRecord, judged: JudgedTime, late_s: float | None) -> str:
    if late_s is not None:
        return f"the message {part.name} came at {late_s - judged.from_s:.2f} s"
    others = record.messages(
        judged.since_s, judged.to_s, lambda line: line.name == part.name and line.evse in (STATION, part.evse)
    )
    if not others:
        return f"no message {part.name} came"
    wrong = [path for path, test in part.fields if test.judge(value_in(others[-1].value, path)) is not True]
    fields = (
        ", ".join(f"{path} {text_of(value_in(others[-1].value, path))}" for path in wrong) or "came from another source"
    )
    return f"{len(others)} of {part.name} came, the last with {fields}" if wrong else f"{part.name} {fields}"


def _at(part: RecordCondition, record: BenchRecord, at_s: float) -> str:
    if isinstance(part, SignalCondition):
        return f"{part.signal} was {text_of(value_seen(record, part.signal, part.evse, at_s).value)}"
    return f"{part.words()} was not true"


def _surroundings(step: ExpectStep | NeverStep, record: BenchRecord, at_s: float) -> str:
    named = {signal for signal, _ in step.condition.signals()}
    known = [
        seen_words(seen)
        for seen in _known(record, step.evse, (name for name in SURROUNDINGS if name not in named), at_s)
    ]
    return f" (by then {', '.join(known)}; {at_s:.2f} s of the record)" if known else f" ({at_s:.2f} s of the record)"


def _known(record: BenchRecord, evse: int, names: Iterable[str], at_s: float) -> Iterator[SeenValue]:
    for name in names:
        seen = value_seen(record, name, evse, at_s)
        if seen.value is not None and seen.value not in ("", []):
            yield seen
