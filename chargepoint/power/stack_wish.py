"""What one EVSE wishes of a stack of modules, from the demand that it obeys. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.limits import PowerLimits
from chargepoint.safety.envelope import SAFE_VOLTAGE_V

NEARLY = 0.95
"""A demand above this part of what the present modules can do is taken for bounded by them, and not by car or site."""


@dataclass(frozen=True, slots=True)
class StackWish:
    """What one EVSE wants of the stack. `current_A`: a magnitude; 0 with `active`: it keeps one module at least."""

    active: bool = False
    """A check, pre-charge, transfer or stop is on its way."""
    current_A: float = 0.0


def wish(demand: StageDemand, rated: PowerLimits, present: PowerLimits | None, voltage_V: float | None) -> StackWish:
    """The current this demand can use, in A. `rated`: the EVSE's ratings; `present`: what its modules of now can do.

    Daemon and car know only what the present modules can do. So what comes near that bound counts as more: up to the rating.
    Before the transfer the wish is the current the car can take.
    """
    limits = demand.dc.limits
    car_A = _open_ended(limits.current_max_A, 0.0 if present is None else present.current_max_A, rated.current_max_A)
    if demand.phase is not Phase.TRANSFER or present is None or voltage_V is None or voltage_V < SAFE_VOLTAGE_V:
        return StackWish(True, car_A)
    wanted_W = max(abs(demand.limits_W.low), abs(demand.limits_W.high)) if demand.law else abs(demand.power_W)
    current = present.current_at(voltage_V)
    present_A = current.high if demand.power_W >= 0 else -current.low
    return StackWish(True, min(car_A, _open_ended(wanted_W / voltage_V, present_A, rated.current_max_A)))


def _open_ended(value_A: float, present_A: float, rated_A: float) -> float:
    return min(value_A, rated_A) if value_A < NEARLY * present_A else rated_A
