"""The fallback ramp: from the last set-point to the next owner's, when the deciding owner withdraws its target.

A central system changes a set-point by clearing one profile and setting another. Between the two the default decides.
Without a ramp the power would jump to the default and back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.demand import Setpoint


@dataclass(frozen=True, slots=True)
class _Leg:
    from_W: float
    since_s: float
    from_owner: str


class FallbackRamp:
    """One EVSE's ramp. Limits hold at once; only the target moves slowly. `rate_W_per_s` > 0."""

    def __init__(self, rate_W_per_s: float) -> None:
        self._rate_W_per_s = rate_W_per_s
        self._leg: _Leg | None = None
        self._next_owner: str | None = None

    @property
    def active(self) -> bool:
        """A ramp is under way: `apply` may change the set-point. Without one it changes nothing."""
        return self._leg is not None

    def withdrawn(self, owner: str, power_W: float, now_s: float) -> None:
        """The owner that decided has withdrawn its target; `power_W` is the set-point of that moment."""
        self._leg, self._next_owner = _Leg(power_W, now_s, owner), None

    def apply(self, setpoint: Setpoint, owner: str | None, now_s: float) -> Setpoint:
        """The setpoint at `now_s`, while the ramp moves it. `owner` is the owner that decides now.

        The ramp ends when the target is reached, when another owner decides, or when nothing may flow.
        """
        leg = self._leg
        if leg is None:
            return setpoint
        if self._next_owner is None:
            self._next_owner = owner
        if owner is None or owner != self._next_owner or owner == leg.from_owner or setpoint.law is not None:
            self._leg = None
            return setpoint
        step_W = self._rate_W_per_s * max(0.0, now_s - leg.since_s)
        low_W, high_W = leg.from_W - step_W, leg.from_W + step_W
        power_W = setpoint.limits_W.clamp(min(max(setpoint.power_W, low_W), high_W))
        if power_W == setpoint.power_W:
            self._leg = None
            return setpoint
        note = f"; on its way from {leg.from_W / 1000:.3g} kW since the last set-point was withdrawn"
        return replace(setpoint, power_W=power_W, explanation=setpoint.explanation + note)
