"""The order of attempts to connect: which configuration slot comes next. OCPP 2.0.1 Part 2, B10.

Each slot of the priority list gets its attempts; after all of them, the slot of the last good connection gets its own (B10.FR.07);
then the list begins again.
"""

from __future__ import annotations

from collections.abc import Sequence


class NetworkPlan:
    """`slot` is the present one; `failed` and `connected` say what became of the attempt."""

    def __init__(self, priority: Sequence[int], last_good: int | None) -> None:
        """`priority` has at least one slot."""
        self._round = tuple(priority)
        self._last_good = last_good
        self._place = 0
        self._failures = 0

    @property
    def slot(self) -> int:
        """Where the next attempt goes."""
        if self._place < len(self._round):
            return self._round[self._place]
        return self._round[0] if self._last_good is None else self._last_good

    @property
    def migrates(self) -> bool:
        """Whether the next attempt goes to another slot than the last good connection."""
        return self._last_good is not None and self.slot != self._last_good

    def failed(self, attempts: int) -> None:
        """The attempt came to nothing; each slot has `attempts`, at least 1 (B10.FR.03)."""
        self._failures += 1
        if self._failures < attempts:
            return
        self._failures = 0
        self._place = (self._place + 1) % (len(self._round) + (self._last_good is not None))

    def connected(self) -> None:
        """The present slot is good: the next attempts go there, and then down the list."""
        self._last_good, self._failures = self.slot, 0
        if self._last_good in self._round:
            self._place = self._round.index(self._last_good)
