"""What an order to the stage may hold, whatever a car wrote."""

from __future__ import annotations

import math

from chargepoint.model.demand import AcOrder, DcOrder, StageDemand
from chargepoint.model.image import StageCapabilities
from tests.joined.stage import CAPABILITIES


def absurd(demand: StageDemand, can: StageCapabilities = CAPABILITIES) -> bool:
    """The order has a number that no stage of these capabilities should ever see."""
    bounds = (
        *_of_the_order(demand.order, can),
        (demand.power_W, -can.discharge_power_max_W, can.charge_power_max_W),
        (demand.limits_W.low, -can.discharge_power_max_W, 0.0),
        (demand.limits_W.high, 0.0, can.charge_power_max_W),
    )
    return any(not math.isfinite(value) or not low <= value <= high for value, low, high in bounds)


def _of_the_order(order: DcOrder | AcOrder, can: StageCapabilities) -> tuple[tuple[float, float, float], ...]:
    if isinstance(order, AcOrder):
        assert can.ac is not None
        each = tuple((one_A, 0.0, can.ac.current_max_A) for one_A in order.phase_limits_A)
        return ((order.phases, 1, can.ac.phases), *each)
    limits = order.limits
    return (
        (limits.voltage_max_V, 0.0, can.voltage_max_V),
        (order.voltage_target_V, 0.0, can.voltage_max_V),
        (limits.voltage_min_V, 0.0, can.voltage_max_V),
        (limits.charge_current_max_A, 0.0, can.charge_current_max_A),
        (limits.discharge_current_max_A, 0.0, can.discharge_current_max_A),
        (limits.charge_power_max_W, 0.0, can.charge_power_max_W),
        (limits.discharge_power_max_W, 0.0, can.discharge_power_max_W),
    )
