"""BCB toggles: a car that moves its pilot from B to C and back for 0.2 to 0.4 s, one to three times, wakes the station. Pure.

Source: docs/sources/iso15118.md 6; ISO 15118-3 Table 3 (T_vald_state_duration).
"""

from __future__ import annotations

from chargepoint.model.image import ControlPilot
from chargepoint.slac import timers

SAMPLING_S = 0.06
"""The pilot is seen through process images: both edges may be seen this much late."""


class PilotToggles:
    """The pilot's states, one after the other. `note` is called with each image."""

    def __init__(self) -> None:
        self._state: ControlPilot | None = None
        self._since_s = 0.0
        self._from_b = False
        """The present state C began from B."""
        self._toggles_s: list[float] = []

    def note(self, pilot: ControlPilot, now_s: float) -> int:
        """Take the pilot as seen now. Returns how many toggles ended in the last 3.5 s where one ended just now, else 0."""
        if pilot is self._state:
            return 0
        before, lasted_s, from_b = self._state, now_s - self._since_s, self._from_b
        self._state, self._since_s = pilot, now_s
        self._from_b = before is ControlPilot.B and pilot is ControlPilot.C
        if pilot not in (ControlPilot.B, ControlPilot.C):
            self._toggles_s.clear()
            return 0
        if not (from_b and pilot is ControlPilot.B):
            return 0
        shortest_s, longest_s = timers.T_VALD_STATE_DURATION_S
        if not shortest_s - SAMPLING_S <= lasted_s <= longest_s + SAMPLING_S:
            self._toggles_s.clear()
            return 0
        self._toggles_s = [at_s for at_s in self._toggles_s if now_s - at_s <= timers.TOGGLES_WITHIN_S]
        self._toggles_s = [*self._toggles_s, now_s][-timers.TOGGLES_MAX :]
        return len(self._toggles_s)
