"""A power schedule as offered to a car: pieces one after the other from an anchor on. Times in UTC seconds and seconds."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from chargepoint.model.car_questions import PowerPiece

BORDERS_DIFFER_S = 2.0
"""The same border of two pieces may differ by this: a schedule begins at a whole second and has whole seconds, and two
clocks were read."""

A = TypeVar("A")
B = TypeVar("B")
Span = tuple[float, float, A]
"""Begin, end (UTC seconds), and what holds in between."""


@dataclass(frozen=True, slots=True)
class ScheduleOffer:
    """One schedule tuple as offered. Powers of the pieces are magnitudes in W."""

    tuple_id: int
    anchor_utc_s: int
    pieces: tuple[PowerPiece, ...]

    def at(self, utc_s: float) -> PowerPiece | None:
        """The piece that holds at this moment; None before the first and after the last."""
        start_s = float(self.anchor_utc_s)
        if utc_s < start_s:
            return None
        for piece in self.pieces:
            if utc_s < start_s + piece.duration_s:
                return piece
            start_s += piece.duration_s
        return None

    def allowed_by(self, pieces: Iterable[PowerPiece], now_utc_s: float) -> bool:
        """Whether this offer, from now on, never promises more than these pieces do, which begin now, and is not over.

        More for up to BORDERS_DIFFER_S at a time does not count: what flows is limited in each charge loop all the same.
        """
        if now_utc_s >= self.end_utc_s:
            return False
        return not any(
            own.charge_W > piece.charge_W or own.discharge_W > piece.discharge_W
            for own, piece in overlapping(self.spans(), spans_from(now_utc_s, pieces), over_s=BORDERS_DIFFER_S)
        )

    @property
    def end_utc_s(self) -> float:
        """Where the last piece ends."""
        return self.anchor_utc_s + sum(piece.duration_s for piece in self.pieces)

    def spans(self) -> Iterator[Span[PowerPiece]]:
        """Each piece with its begin and its end."""
        return spans_from(self.anchor_utc_s, self.pieces)


def spans_from(begin_utc_s: float, pieces: Iterable[PowerPiece]) -> Iterator[Span[PowerPiece]]:
    """Each piece with its begin and its end; the first one begins at `begin_utc_s`."""
    start_s = float(begin_utc_s)
    for piece in pieces:
        yield start_s, start_s + piece.duration_s, piece
        start_s += piece.duration_s


def overlapping(first: Iterable[Span[A]], second: Iterable[Span[B]], *, over_s: float = 0.0) -> Iterator[tuple[A, B]]:
    """Every pair that holds at the same time for longer than `over_s`. Both sides are in order and without gaps.

    One pass over both: schedules of a thousand pieces are compared while a car awaits its answer.
    """
    left, right = iter(first), iter(second)
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        if min(one[1], other[1]) - max(one[0], other[0]) > over_s:
            yield one[2], other[2]
        if one[1] <= other[1]:
            one = next(left, None)
        else:
            other = next(right, None)


def shortened(pieces: Iterable[PowerPiece], points: int) -> tuple[PowerPiece, ...]:
    """At most `points` pieces: where two must become one, the lower power of both holds."""
    found: dict[int, PowerPiece] = dict(enumerate(p for p in pieces if p.duration_s > 0))
    after = {number: number + 1 for number in found}
    before = {number: number - 1 for number in found}
    queue = [(found[n].duration_s + found[n + 1].duration_s, n, n + 1) for n in range(len(found) - 1)]
    heapq.heapify(queue)
    while len(found) > max(1, points):
        together_s, left, right = heapq.heappop(queue)
        if left not in found or right not in found or after[left] != right:
            continue  # one of the two was merged meanwhile
        a, b = found[left], found[right]
        if together_s != a.duration_s + b.duration_s:
            continue  # one of the two grew meanwhile, and a newer entry is in the queue
        found[left] = PowerPiece(together_s, min(a.charge_W, b.charge_W), min(a.discharge_W, b.discharge_W))
        del found[right]
        after[left] = after[right]
        before[after[left]] = left
        for pair in ((before[left], left), (left, after[left])):
            if pair[0] in found and pair[1] in found:
                heapq.heappush(queue, (found[pair[0]].duration_s + found[pair[1]].duration_s, *pair))
    return tuple(found.values())
