"""Signals as curves: held values, thinned so that no extreme is lost. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from hil.record.record import BenchRecord

KEPT_PER_COLUMN = 4
"""Of each column: the first, the smallest, the largest and the last value."""


@dataclass(frozen=True, slots=True)
class HeldCurve:
    """`values[i]` holds from `times_s[i]` on, until the next. None: not known. `left_out`: points that were thinned away."""

    times_s: tuple[float, ...]
    values: tuple[float | None, ...]
    left_out: int = 0

    def at(self, at_s: float) -> float | None:
        """The value then; None before the first."""
        place = bisect_right(self.times_s, at_s)
        return self.values[place - 1] if place else None


def curve_of(record: BenchRecord, signal: str, evse: int, scale: float = 1.0) -> HeldCurve:
    """All values of a signal. What is no finite number is None."""
    times_s: list[float] = []
    values: list[float | None] = []
    for held in record.history(signal, evse, 0.0, record.ends_s):
        value = held.value
        known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        times_s.append(held.from_s)
        values.append(float(value) * scale if known else None)  # type: ignore[arg-type]
    if times_s and times_s[-1] < record.ends_s:  # the last value is drawn until the end
        times_s.append(record.ends_s)
        values.append(values[-1])
    return HeldCurve(tuple(times_s), tuple(values))


def thinned(curve: HeldCurve, columns: int, end_s: float) -> HeldCurve:
    """At most `KEPT_PER_COLUMN` points in each of so many columns from 0 to `end_s`; a short curve stays as it is.

    The smallest and the largest value of each column stay, with their times.
    """
    if len(curve.times_s) <= KEPT_PER_COLUMN * columns or end_s <= 0:
        return curve
    kept: list[int] = []
    first = 0
    count = len(curve.times_s)
    while first < count:
        column = min(columns - 1, int(curve.times_s[first] / end_s * columns))
        last = first
        while last + 1 < count and min(columns - 1, int(curve.times_s[last + 1] / end_s * columns)) == column:
            last += 1
        kept += _kept(curve.values, first, last)
        first = last + 1
    return HeldCurve(
        tuple(curve.times_s[place] for place in kept), tuple(curve.values[place] for place in kept), count - len(kept)
    )


def _kept(values: Sequence[float | None], first: int, last: int) -> list[int]:
    """Places of a column that stay. Where values are unknown, one unknown place stays too, in place of the first."""
    known = [(value, place) for place in range(first, last + 1) if (value := values[place]) is not None]
    places = {last}
    if known:
        places |= {min(known)[1], max(known)[1]}
    places.add(next((place for place in range(first, last + 1) if values[place] is None), first))
    return sorted(places)


def side_by_side(curves: Sequence[HeldCurve]) -> tuple[list[float], list[list[float | None]]]:
    """All times of these curves, and the value of each curve at each of them."""
    times_s = sorted({at_s for curve in curves for at_s in curve.times_s})
    columns = []
    for curve in curves:
        column: list[float | None] = []
        place = 0
        for at_s in times_s:
            while place < len(curve.times_s) and curve.times_s[place] <= at_s:
                place += 1
            column.append(curve.values[place - 1] if place else None)
        columns.append(column)
    return times_s, columns
