"""Interval algebra for what may flow: positive into the car, negative out of it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval [low, high] of a signed quantity; low <= high, both finite or infinite, never NaN."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            raise ValueError("an interval has no NaN")
        if self.low > self.high:
            raise ValueError(f"interval low {self.low:g} above high {self.high:g}")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def clamp(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.low), self.high)

    def intersect(self, other: Interval) -> Interval | None:
        """What both allow, or None where they have nothing in common."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else None

    def scaled(self, factor: float) -> Interval:
        """Both bounds times a factor >= 0."""
        if factor < 0:
            raise ValueError(f"factor {factor:g}: at least 0")
        return Interval(self.low * factor, self.high * factor)


ZERO = Interval(0.0, 0.0)
"""Nothing may flow: the default of every limit that has expired."""

UNBOUNDED = Interval(-math.inf, math.inf)
"""No limit."""


def charge_only(high: float) -> Interval:
    """[0, high]: charging up to `high`, no discharge."""
    return Interval(0.0, max(0.0, high))


def bidirectional(charge: float, discharge: float) -> Interval:
    """[-discharge, charge] from two magnitudes; either sign is accepted and the magnitude kept.

    Source: docs/sources/safety.md 4.1 (ISO 15118-20 V2G20-2654/2655 compare absolute values; libraries differ in sign).
    """
    return Interval(-abs(discharge), abs(charge))
