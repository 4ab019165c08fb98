"""A power schedule as offered to a car: pieces one after the other from an anchor on. Times in UTC seconds and seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chargepoint.model.car_questions import PowerPiece

BORDERS_DIFFER_S = 2.0
"""The same border of two pieces may differ by this: a schedule begins at a whole second and has whole seconds, and two
clocks were read."""


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

    def least_between(self, from_utc_s: float, to_utc_s: float) -> tuple[float, float] | None:
        """The lowest charge and discharge power (W, magnitudes) that hold anywhere in this time, across the borders of pieces.

        None where part of the time lies outside the schedule.
        """
        touched = [p for start_s, end_s, p in self._spans() if start_s < to_utc_s and end_s > from_utc_s]
        if not touched or from_utc_s < self.anchor_utc_s or to_utc_s > self.end_utc_s:
            return None
        return min(p.charge_W for p in touched), min(p.discharge_W for p in touched)

    def allowed_by(self, pieces: Iterable[PowerPiece], now_utc_s: float) -> bool:
        """Whether this offer, from now on, never promises more than these pieces do, which begin now, and is not over.

        More for up to BORDERS_DIFFER_S at a time does not count: what flows is limited in each charge loop all the same.
        """
        if now_utc_s >= self.end_utc_s:
            return False
        start_s = now_utc_s
        for piece in pieces:
            end_s = min(start_s + piece.duration_s, self.end_utc_s)
            for own_start_s, own_end_s, own in self._spans():
                both_s = min(own_end_s, end_s) - max(own_start_s, start_s)
                if both_s > BORDERS_DIFFER_S and (own.charge_W > piece.charge_W or own.discharge_W > piece.discharge_W):
                    return False
            start_s = end_s
        return True

    @property
    def end_utc_s(self) -> float:
        """Where the last piece ends."""
        return self.anchor_utc_s + sum(piece.duration_s for piece in self.pieces)

    def _spans(self) -> Iterator[tuple[float, float, PowerPiece]]:
        start_s = float(self.anchor_utc_s)
        for piece in self.pieces:
            yield start_s, start_s + piece.duration_s, piece
            start_s += piece.duration_s


def shortened(pieces: Iterable[PowerPiece], points: int) -> tuple[PowerPiece, ...]:
    """At most `points` pieces: where two must become one, the lower power of both holds."""
    found = [p for p in pieces if p.duration_s > 0]
    while len(found) > max(1, points):
        at = min(range(len(found) - 1), key=lambda i: found[i].duration_s + found[i + 1].duration_s)
        a, b = found[at], found[at + 1]
        found[at : at + 2] = [
            PowerPiece(a.duration_s + b.duration_s, min(a.charge_W, b.charge_W), min(a.discharge_W, b.discharge_W))
        ]
    return tuple(found)
