"""What a DC station reports in each loop: measured values, limits of this moment, and which of the limits are reached."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.step import Hindrance, Impossible
from chargepoint.model.image import StageCapabilities

_POWER_TOLERANCE_W, _CURRENT_TOLERANCE_A, _VOLTAGE_TOLERANCE_V = 50.0, 0.2, 1.0
"""A limit counts as reached so far below it."""


@dataclass(frozen=True, slots=True)
class DcReport:
    """Measured values, signed; `can`: the stage's limits now, never above what was announced to the car (V2G20-2654).

    `charge_power_max_W` and `discharge_power_max_W`: what may flow now, magnitudes.
    """

    voltage_V: float
    current_A: float
    can: StageCapabilities
    charge_power_max_W: float
    discharge_power_max_W: float
    power_limit_achieved: bool
    current_limit_achieved: bool
    voltage_limit_achieved: bool


def dc_report(at: Situation, announced: StageCapabilities | None) -> DcReport | Impossible:
    """From the last process image. Impossible in an emergency, and where the stage does not answer."""
    view = at.view
    if view.emergency:
        return Impossible(Hindrance.EMERGENCY, "a fault opened the contactor")
    if view.voltage_V is None or view.current_A is None or view.capabilities is None:
        return Impossible(Hindrance.NOT_MEASURED, "the power stage does not answer")
    can = view.capabilities if announced is None else view.capabilities.within(announced)
    low_W, high_W = view.limits_W.low, view.limits_W.high
    low_A, high_A = -can.discharge_current_max_A, can.charge_current_max_A
    return DcReport(
        voltage_V=view.voltage_V,
        current_A=view.current_A,
        can=can,
        charge_power_max_W=min(max(high_W, 0.0), can.charge_power_max_W),
        discharge_power_max_W=min(max(-low_W, 0.0), can.discharge_power_max_W),
        power_limit_achieved=_reached(view.voltage_V * view.current_A, low_W, high_W, _POWER_TOLERANCE_W),
        current_limit_achieved=_reached(view.current_A, low_A, high_A, _CURRENT_TOLERANCE_A),
        voltage_limit_achieved=view.voltage_V >= can.voltage_max_V - _VOLTAGE_TOLERANCE_V,
    )


def _reached(value: float, low: float, high: float, tolerance: float) -> bool:
    return value >= high - tolerance or value <= low + tolerance
