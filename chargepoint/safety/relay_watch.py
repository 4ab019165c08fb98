"""Watches the pre-charge and the discharge relay: one that shows closed although it is ordered open is stuck. Pure."""

from __future__ import annotations

RELAY_OPENS_S = 0.1
"""A relay may need so long to open (own rule)."""


class RelayWatch:
    """Keeps how long ago the discharge was ordered. Call `step` once each cycle."""

    def __init__(self) -> None:
        self._discharge_ordered_s = -1e9

    def step(self, now_s: float, *, discharge_ordered: bool, discharge_closed: bool, precharge_closed: bool) -> str:
        """In words which relay is stuck; empty if none is. Nothing here ever orders the pre-charge relay closed."""
        if discharge_ordered:
            self._discharge_ordered_s = now_s
        stuck = []
        if discharge_closed and now_s - self._discharge_ordered_s > RELAY_OPENS_S:
            stuck.append("discharge relay")
        if precharge_closed:
            stuck.append("pre-charge relay")
        return f"{' and '.join(stuck)} closed although ordered open" if stuck else ""
