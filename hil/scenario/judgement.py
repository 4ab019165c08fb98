"""When a condition was true on a record: pure functions, exact to the moment at which a value changed.

`from_s` and `to_s` bound the time that is judged, both belong to it. The record must be known until `to_s`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hil.record.record import BenchRecord
from hil.scenario.condition import RecordCondition

ROUNDING_S = 1e-6
"""Sums of times are compared to this."""


@dataclass(frozen=True, slots=True)
class TrueSpan:
    """The condition was true from `from_s` until `to_s`. `over`: it ended there; else it goes on beyond what was judged."""

    from_s: float
    to_s: float
    over: bool

    def lasts(self, for_s: float) -> bool:
        """At least so long as far as was judged."""
        return self.to_s - self.from_s >= for_s - ROUNDING_S


@dataclass(frozen=True, slots=True)
class JudgedTime:
    """What is judged: times of the record, and from when messages count."""

    from_s: float
    to_s: float
    since_s: float

    def from_on(self, at_s: float) -> JudgedTime:
        """The rest of it."""
        return JudgedTime(at_s, self.to_s, self.since_s)


def true_spans(condition: RecordCondition, record: BenchRecord, window: JudgedTime) -> Iterator[TrueSpan]:
    """Each time in which it was true, in order."""
    began_s: float | None = None
    for at_s in (window.from_s, *sorted(condition.turns(record, window.from_s, window.to_s))):
        met = condition.met(record, at_s, window.since_s)
        if met and began_s is None:
            began_s = at_s
        elif not met and began_s is not None:
            yield TrueSpan(began_s, at_s, over=True)
            began_s = None
    if began_s is not None:
        yield TrueSpan(began_s, window.to_s, over=False)


def first_true(condition: RecordCondition, record: BenchRecord, window: JudgedTime) -> float | None:
    """The first moment at which it was true; None: never."""
    return next((span.from_s for span in true_spans(condition, record, window)), None)


def first_untrue(condition: RecordCondition, record: BenchRecord, window: JudgedTime) -> float | None:
    """The first moment at which it was not true, or not known to be; None: it held throughout."""
    span = next(true_spans(condition, record, window), None)
    if span is None or span.from_s > window.from_s:
        return window.from_s
    return span.to_s if span.over else None


def held_throughout(condition: RecordCondition, record: BenchRecord, window: JudgedTime) -> bool:
    """True from the beginning to the end of the window."""
    return first_untrue(condition, record, window) is None


def first_held(condition: RecordCondition, record: BenchRecord, window: JudgedTime, for_s: float) -> float | None:
    """The first moment from which it was true for so long; None: it never was, as far as was judged."""
    return next((span.from_s for span in true_spans(condition, record, window) if span.lasts(for_s)), None)


def became_true(condition: RecordCondition, record: BenchRecord, window: JudgedTime) -> Iterator[float]:
    """Each moment at which it turned from not true to true, in order. What was true before the window does not count."""
    before_s = math.nextafter(window.from_s, -math.inf)
    for span in true_spans(condition, record, window):
        if span.from_s > window.from_s or not condition.met(record, before_s, window.since_s):
            yield span.from_s
