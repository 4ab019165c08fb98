"""When a condition was true on a record: pure functions, exact to the moment at which a value changed.

`from_s` and `to_s` bound the time that is judged, both belong to it. The record must be known until `to_s`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hil.record.record import BenchRecord
from hil.scenario.condition import MessageCondition, RecordCondition

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


def true_spans(condition: RecordCondition, record: BenchRecord, judged: JudgedTime) -> Iterator[TrueSpan]:
    """Each time in which it was true, in order."""
    began_s: float | None = None
    for at_s in (judged.from_s, *sorted(condition.turns(record, judged.from_s, judged.to_s))):
        met = condition.met(record, at_s, judged.since_s)
        if met and began_s is None:
            began_s = at_s
        elif not met and began_s is not None:
            yield TrueSpan(began_s, at_s, over=True)
            began_s = None
    if began_s is not None:
        yield TrueSpan(began_s, judged.to_s, over=False)


def first_true(condition: RecordCondition, record: BenchRecord, judged: JudgedTime) -> float | None:
    """The first moment at which it was true; None: never."""
    return next((span.from_s for span in true_spans(condition, record, judged)), None)


def became_true(condition: RecordCondition, record: BenchRecord, judged: JudgedTime) -> Iterator[float]:
    """Each moment at which it turned from not true to true, in order. What was true before the window does not count.

    Of a message: each moment at which one was seen.
    """
    if isinstance(condition, MessageCondition):
        seen = record.messages(max(judged.from_s, judged.since_s), judged.to_s, condition.wanted)
        yield from sorted({line.at_s for line in seen})
        return
    before_s = math.nextafter(judged.from_s, -math.inf)
    for span in true_spans(condition, record, judged):
        if span.from_s > judged.from_s or not condition.met(record, before_s, judged.since_s):
            yield span.from_s
