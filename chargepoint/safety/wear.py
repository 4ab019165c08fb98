"""The wear of the output contactor: how often it closed and opened, with and without load. Pure.

A contactor of this kind breaks its full current about three times (docs/sources/safety.md 1.2, grade B). Its rated operations are
in its data sheet, and so in the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.contactor_wear import ContactorWear
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor

UNDER_LOAD_A = 5.0
"""A closing or an opening at more than this counts as one under load (own rule, grade D)."""

LOAD_OPENINGS_MAX = 3
"""After so many openings under load the contactor is to be inspected (docs/sources/safety.md 1.2, grade B)."""

AC_LOAD_OPENINGS_MAX = 1_000
"""The same where alternating current is broken, which passes through zero by itself (own rule, grade D)."""

OPERATIONS_MAX = 10_000
"""Closings that a contactor of this kind bears, where the configuration names no other figure (own rule, grade D)."""


@dataclass(frozen=True, slots=True)
class WearLimits:
    """From these counts on the contactor is to be inspected or replaced."""

    operations: int = OPERATIONS_MAX
    load_openings: int = LOAD_OPENINGS_MAX


@dataclass(frozen=True, slots=True)
class Wear:
    """Counts since the contactor was new. `closings` and openings without load are all others than those under load."""

    closings: int = 0
    load_openings: int = 0
    load_closings: int = 0
    """Of the closings, how many made a current at once: after a good pre-charge there are none."""

    def plus(self, more: Wear) -> Wear:
        """Both counts together."""
        return Wear(
            self.closings + more.closings,
            self.load_openings + more.load_openings,
            self.load_closings + more.load_closings,
        )

    def worn(self, limits: WearLimits) -> str:
        """In words that the contactor is to be inspected or replaced; empty while it is not."""
        found = []
        if self.load_openings >= limits.load_openings:
            found.append(f"{self.load_openings} openings under load: inspect after {limits.load_openings}")
        if self.closings >= limits.operations:
            found.append(f"{self.closings} closings: replace after {limits.operations}")
        return "; ".join(found)


class WearCount:
    """Counts for one contactor, from what it was before. Call `step` once each cycle."""

    def __init__(self, before: Wear = Wear(), limits: WearLimits = WearLimits()) -> None:
        self.wear = before
        self.limits = limits
        self._closed = False
        self._current_A = 0.0

    @property
    def worn(self) -> str:
        """In words that the contactor is to be inspected or replaced; empty while it is not."""
        return self.wear.worn(self.limits)

    def report(self, evse_id: EvseId) -> ContactorWear:
        """For the daemon."""
        wear, limits = self.wear, self.limits
        return ContactorWear(
            evse_id, wear.closings, wear.load_closings, wear.load_openings, limits.operations, limits.load_openings
        )

    def step(self, contactor: Contactor, current_A: float | None) -> bool:
        """Whether a count changed, so that it is to be stored. A current that is not known leaves the one before."""
        before = self.wear
        if contactor is Contactor.CLOSED and not self._closed:
            loaded = current_A is not None and abs(current_A) > UNDER_LOAD_A
            self._closed = True
            self.wear = replace(before, closings=before.closings + 1, load_closings=before.load_closings + loaded)
        elif contactor is Contactor.OPEN and self._closed:
            self._closed = False
            if abs(self._current_A) > UNDER_LOAD_A:
                self.wear = replace(before, load_openings=before.load_openings + 1)
        if current_A is not None:
            self._current_A = current_A
        return self.wear != before
