"""Wear of a contact: each arc takes material away, so the resistance grows, and one day the contacts weld as they close.

An arc of current `I` that burns for `t` leaves `I^2 * t` ampere-square-seconds. Opening under current draws one of `ARC_S`; contacts that close
onto a current, or bounce while it flows, draw one of `BOUNCE_S`. The resistance of a pole is `R0 * (1 + sum / DOUBLED_A2S)`.
Where the sum has reached `welds_at_A2s`, the contacts weld at the next closing. No chance is in it. All figures are our own.
"""

from __future__ import annotations

from dataclasses import dataclass

NEW_OHM = 0.0005
"""Of one closed pole."""
ARC_S = 0.005
"""Until the arc of an opening pole is blown out."""
BOUNCE_S = 0.001
"""Sum of the small arcs while a pole closes."""
DOUBLED_A2S = 500_000.0
WELDS_AT_A2S = 1_000_000.0
"""Five thousand openings under 200 A: each leaves 200."""


@dataclass(slots=True)
class ContactWear:
    """Of one pole. `arcs_A2s`: what all arcs left so far."""

    arcs_A2s: float = 0.0
    welds_at_A2s: float = WELDS_AT_A2S
    openings: int = 0
    """Under a current that draws an arc."""

    @property
    def resistance_ohm(self) -> float:
        """Of the closed pole."""
        return NEW_OHM * (1.0 + self.arcs_A2s / DOUBLED_A2S)

    @property
    def worn_out(self) -> bool:
        """The next closing welds."""
        return self.arcs_A2s >= self.welds_at_A2s

    def opened(self, current_A: float) -> None:
        """The pole opened under this current."""
        if abs(current_A) >= ARC_FROM_A:
            self.openings += 1
            self.arcs_A2s += current_A * current_A * ARC_S

    def closed(self, current_A: float) -> None:
        """The pole closed, and this current flowed at once."""
        if abs(current_A) >= ARC_FROM_A:
            self.arcs_A2s += current_A * current_A * BOUNCE_S


ARC_FROM_A = 0.5
"""A smaller current draws no arc worth counting."""
