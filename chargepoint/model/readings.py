"""A reading and its age: a stale value is None for deciding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value and the monotonic second at which the device gave it."""

    value: T
    taken_at_s: float

    def age_s(self, now_s: float) -> float:
        """Seconds since the device gave the value; never negative."""
        return max(0.0, now_s - self.taken_at_s)

    def fresh(self, now_s: float, max_age_s: float) -> T | None:
        """The value if at most `max_age_s` old, else None."""
        return self.value if self.age_s(now_s) <= max_age_s else None


def fresh(reading: Reading[T] | None, now_s: float, max_age_s: float) -> T | None:
    """`reading.fresh(...)`, or None where there was no reading at all."""
    return None if reading is None else reading.fresh(now_s, max_age_s)
