"""The wear of the output contactor: how often it closed, and how often it opened under current. Pure.

A contactor of this kind breaks its full current about three times (docs/sources/safety.md 1.2, grade B).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.image import Contactor

UNDER_LOAD_A = 5.0
"""An opening at more than this counts as one under load (own rule)."""

LOAD_OPENINGS_MAX = 3
"""After so many openings under load the contactor is to be inspected (docs/sources/safety.md 1.2, grade B)."""


@dataclass(frozen=True, slots=True)
class Wear:
    """Counts since the contactor was new."""

    closings: int = 0
    load_openings: int = 0

    @property
    def worn(self) -> str:
        """In words that the contactor is to be inspected; empty while it is not."""
        if self.load_openings < LOAD_OPENINGS_MAX:
            return ""
        return f"{self.load_openings} openings under load: inspect after {LOAD_OPENINGS_MAX}"


class WearCount:
    """Counts for one contactor, from what it was before. Call `step` once each cycle."""

    def __init__(self, before: Wear = Wear()) -> None:
        self.wear = before
        self._closed = False
        self._current_A = 0.0

    def step(self, contactor: Contactor, current_A: float | None) -> bool:
        """Whether a count changed, so that it is to be stored. A current that is not known leaves the one before."""
        before = self.wear
        if contactor is Contactor.CLOSED and not self._closed:
            self._closed, self.wear = True, replace(before, closings=before.closings + 1)
        elif contactor is Contactor.OPEN and self._closed:
            self._closed = False
            if abs(self._current_A) > UNDER_LOAD_A:
                self.wear = replace(before, load_openings=before.load_openings + 1)
        if current_A is not None:
            self._current_A = current_A
        return self.wear != before
