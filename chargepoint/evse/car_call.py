"""Calling a car back: a step of the control pilot that makes a plugged-in car begin a new conversation.

A car whose session has ended sleeps. The car may charge after all when the right card follows a wrong one, or when the
station restarts with the car left plugged in. Then the pilot shows X1 for some seconds, and 5 % again.
Source: docs/sources/iso15118-20.md 3 (the station wakes a car by 5 %), docs/sources/safety.md 2 (T_step_X1, grade B).
"""

from __future__ import annotations

STEP_X1_S = 3.0
"""How long the pilot shows X1 (ISO 15118-3 Table 3, T_step_X1; grade B)."""

ANSWER_S = 30.0
"""A car called is given this long for discovery and its first message before it is called again."""

SILENT_CAR_S = 40.0
"""A car that never connected is left alone this long: it may still be at SLAC (TT_EVSE_SLAC_init 20 to 50 s)."""

CALLS_MAX = 3


class CarCall:
    """One plug-in's calls. Time is a number; nothing is called while the car talks."""

    def __init__(self) -> None:
        self._calls = 0
        self._step_until_s: float | None = None
        self._next_s: float | None = None
        self.gave_up = False

    @property
    def stepping(self) -> bool:
        """The pilot shall show X1 now."""
        return self._step_until_s is not None

    def wanted(self, *, had_session: bool, now_s: float) -> str | None:
        """The car is plugged in, may charge, and does not talk. Returns a line for the log when a call begins or ends.

        `had_session`: the car connected before in this plug-in, so it is asleep now and not on its way.
        """
        if self._step_until_s is not None:
            if now_s >= self._step_until_s:
                self._step_until_s, self._next_s = None, now_s + ANSWER_S
            return None
        if self._next_s is None:
            self._next_s = now_s if had_session else now_s + SILENT_CAR_S
        if now_s < self._next_s or self.gave_up:
            return None
        if self._calls >= CALLS_MAX:
            self.gave_up = True
            return f"the car did not answer {CALLS_MAX} calls: unplug it and plug it in again"
        self._calls += 1
        self._step_until_s = now_s + STEP_X1_S
        return f"calling the car back: pilot X1 for {STEP_X1_S:.0f} s, then 5 % ({self._calls} of {CALLS_MAX})"

    def not_wanted(self) -> None:
        """The car talks, or nothing may begin: forget the calls made."""
        self._calls, self._step_until_s, self._next_s, self.gave_up = 0, None, None, False
