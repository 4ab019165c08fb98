"""The ramp: from the current that flows to the current that shall flow, through zero when the direction turns.

The ramp decides when an EVSE turns: it leads the current to zero, waits there for the module's reversal time at a measured zero, and goes on at
its slope. A driver has a guard of its own for its module (`drivers/power_module/direction.py` for one with a profile): whatever is ordered, the module is not asked
to turn before it was quiet. Behind the ramp that guard is satisfied when the ramp goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.ports import Reversal
from chargepoint.safety.envelope import NO_CURRENT_A


@dataclass(frozen=True, slots=True)
class RampStep:
    """What to command now: a signed current, and whether the output stays on (a module may need a stop to turn)."""

    current_A: float
    output_on: bool


class Ramp:
    """Slews one signed current. Direction changes only after the measured current was below 1 A for the module's
    reversal time (docs/sources/safety.md 4.1: own rule, the standard gives none).
    """

    def __init__(self, rate_A_per_s: float, reversal: Reversal, reversal_time_s: float) -> None:
        self._rate = rate_A_per_s
        self._reversal = reversal
        self._reversal_time_s = reversal_time_s
        self._current_A = 0.0
        self._direction = 0
        self._quiet_since_s: float | None = None
        self._last_s: float | None = None

    @property
    def current_A(self) -> float:
        """Where the ramp is."""
        return self._current_A

    @property
    def rate_A_per_s(self) -> float:
        """The normal slope."""
        return self._rate

    def reset(self) -> None:
        """Start again from zero, no direction."""
        self._current_A, self._direction = 0.0, 0
        self._quiet_since_s = self._last_s = None

    def step(
        self, target_A: float, measured_A: float | None, now_s: float, rate_A_per_s: float | None = None
    ) -> RampStep:
        """One cycle. `rate_A_per_s` overrides the normal slope (error stop). Unknown current never counts as quiet."""
        elapsed_s = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        move_A = (rate_A_per_s or self._rate) * min(elapsed_s, 0.2)
        wanted = (target_A > 0) - (target_A < 0)
        turning = wanted != 0 and self._direction not in (0, wanted) and self._reversal is not Reversal.SEAMLESS
        goal_A = 0.0 if turning else target_A
        self._current_A += min(max(goal_A - self._current_A, -move_A), move_A)
        if not turning:
            self._quiet_since_s = None
            if wanted:
                self._direction = wanted
            return RampStep(self._current_A, True)
        waits = self._current_A == 0.0
        if waits:
            quiet = measured_A is not None and abs(measured_A) < NO_CURRENT_A
            if not quiet:
                self._quiet_since_s = None
            elif self._quiet_since_s is None:
                self._quiet_since_s = now_s
            elif now_s - self._quiet_since_s >= self._reversal_time_s:
                self._direction, self._quiet_since_s, waits = wanted, None, False
        stop = waits and self._reversal is Reversal.STOP_REQUIRED
        return RampStep(self._current_A, not stop)
