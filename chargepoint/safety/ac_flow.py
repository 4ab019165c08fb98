"""The phases of one AC outlet in one cycle: what flows, what each phase may carry, and what the car was allowed. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AcFlow:
    """What the AC rows of the interlock table look at. Currents in A, active, positive into the car, L1 first."""

    currents_A: tuple[float, ...] = ()
    """Of the wired phases; empty: not known."""
    power_W: float | None = None
    """Of all phases together, by the meter."""
    car_power_W: float | None = None
    """What the car says it draws now, signed; None: it does not say."""
    rated_A: float = 0.0
    """What each phase may carry by the configuration, a magnitude."""
    limits_A: tuple[float, ...] = ()
    """What the car may draw from each phase it was given, magnitudes, beginning with L1; empty: no valid order."""
    charge_max_W: float = 0.0
    discharge_max_W: float = 0.0
    """What may flow at all into the car and out of it, all phases together: magnitudes."""
    ventilated: bool = False
    """The place may serve a car that needs ventilation (pilot state D)."""
    over_share: float = 0.1
    """How far above its limit a phase may be, as a share of the limit."""

    @property
    def phases_given(self) -> int:
        """How many phases the car was given, beginning with L1."""
        return len(self.limits_A)

    @property
    def largest_A(self) -> float | None:
        """The largest magnitude of all phases; None: not known."""
        return max(map(abs, self.currents_A)) if self.currents_A else None

    @property
    def may_discharge(self) -> bool:
        """Some power may flow out of the car."""
        return self.discharge_max_W > 0.0

    @property
    def suspended(self) -> bool:
        """No power may flow."""
        return self.charge_max_W == 0.0 == self.discharge_max_W

    @property
    def feeds(self) -> bool:
        """Power flows out of the car: more than what a meter may show at no load."""
        return self.power_W is not None and self.power_W < -NOTHING_W


FELL_SHARE = 0.05
FELL_A = 1.0
"""A limit that falls by less, since it last was higher or the count began anew, is a trifle: a set-point that follows the sun does so each
second (own rule, grade D)."""


class FallingLimits:
    """Whether the limits of a car fell. Call `step` each cycle with what it may draw now; None: a DC outlet."""

    def __init__(self) -> None:
        self._from: tuple[float, ...] = ()

    def step(self, ac: AcFlow | None) -> bool:
        """True in the cycle in which the current of a phase or a power is noticeably less than before; a phase not given has none."""
        if ac is None or not ac.limits_A:
            self._from = ()
            return False
        least_W = FELL_A * 230.0
        now = (*(*ac.limits_A, 0.0, 0.0)[:3], ac.charge_max_W, ac.discharge_max_W)
        least = (FELL_A, FELL_A, FELL_A, least_W, least_W)
        before = self._from or now
        fell = any(
            is_now < was - max(step, FELL_SHARE * was) for is_now, was, step in zip(now, before, least, strict=True)
        )
        self._from = now if fell else tuple(max(pair) for pair in zip(now, before, strict=True))
        return fell


NOTHING_W = 100.0
"""A smaller power than this counts as none (own rule, grade D)."""
