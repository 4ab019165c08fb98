"""What an order to the stage may hold, whatever a car wrote."""

from __future__ import annotations

import math

from chargepoint.model.demand import StageDemand
from chargepoint.model.image import StageCapabilities
from tests.joined.stage import CAPABILITIES


def absurd(demand: StageDemand, can: StageCapabilities = CAPABILITIES) -> bool:
    """The order has a number that no stage of these capabilities should ever see."""
    bounds = (
        (demand.voltage_limit_V, 0.0, can.voltage_max_V),
        (demand.voltage_target_V, 0.0, can.voltage_max_V),
        (demand.voltage_floor_V, 0.0, can.voltage_max_V),
        (demand.charge_current_limit_A, 0.0, can.charge_current_max_A),
        (demand.discharge_current_limit_A, 0.0, can.discharge_current_max_A),
        (demand.power_W, -can.discharge_power_max_W, can.charge_power_max_W),
        (demand.limits_W.low, -can.discharge_power_max_W, 0.0),
        (demand.limits_W.high, 0.0, can.charge_power_max_W),
    )
    return any(not math.isfinite(value) or not low <= value <= high for value, low, high in bounds)
