"""One input line: from edges with their time to a level that can be trusted. Pure; time is a number.

A level counts when it has lasted for its time, and it counts from its edge, not from the moment in which that was noticed. The two
directions have times of their own. A safety chain that opens must count within milliseconds. One that closes again must stay closed
for longer than a cycle of the power process, so that no cycle misses an opening.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ACTIVE_S = 0.05
"""How long a line must be active before it counts as active: five cycles of the power process (own rule)."""

INACTIVE_S = 0.002
"""How long a line must be inactive before it counts: longer than a disturbance on a long wire (own rule, grade D)."""


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """The line with this number changed to `active` at a monotonic second, by the kernel's own time."""

    offset: int
    active: bool
    at_s: float
    number: int
    """The kernel counts the edges of each line from 1: a gap means that edges were lost."""


class InputLine:
    """Feed `edge` and `reread`; call `step` with the time; `active` is the level that counts, None before the first."""

    def __init__(self, active_s: float = ACTIVE_S, inactive_s: float = INACTIVE_S) -> None:
        self.active: bool | None = None
        self.changed_at_s = -math.inf
        """The edge of the level that counts."""
        self.lost_edges = 0
        self._active_s = active_s
        self._inactive_s = inactive_s
        self._raw = False
        self._raw_since_s = -math.inf
        self._last_number = 0

    def edge(self, edge: EdgeSeen) -> bool:
        """Take an edge. True: edges before it were lost, and the line is to be read again."""
        self.step(edge.at_s)
        lost = self._last_number > 0 and edge.number > self._last_number + 1
        self.lost_edges += max(0, edge.number - self._last_number - 1) if lost else 0
        self._last_number = edge.number
        self._see(edge.active, edge.at_s)
        return lost

    def reread(self, active: bool, now_s: float) -> None:
        """The line was read. A level that differs from the last edge counts from now: its edge was lost."""
        if self.active is None:
            self._raw, self._raw_since_s = active, now_s
            self.active, self.changed_at_s = False, now_s  # what was never seen active for long enough is not
        else:
            self._see(active, now_s)
        self.step(now_s)

    def _see(self, active: bool, at_s: float) -> None:
        if active != self._raw:
            self._raw, self._raw_since_s = active, at_s

    @property
    def deadline_s(self) -> float | None:
        """When a level that is there will count; None while it does."""
        if self.active is None or self._raw == self.active:
            return None
        return self._raw_since_s + (self._active_s if self._raw else self._inactive_s)

    def step(self, now_s: float) -> None:
        """Let time pass."""
        deadline_s = self.deadline_s
        if deadline_s is not None and now_s >= deadline_s:
            self.active, self.changed_at_s = self._raw, self._raw_since_s
