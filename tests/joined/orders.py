"""Orders to a DC stage as tests write them: flat names for the parts of a demand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chargepoint.model.demand import DcOrder, StageDemand
from chargepoint.model.limits import PowerLimits

_LIMITS = {
    "voltage_limit_V": "voltage_max_V",
    "voltage_floor_V": "voltage_min_V",
    "charge_current_limit_A": "charge_current_max_A",
    "discharge_current_limit_A": "discharge_current_max_A",
}
ANY_POWER_W = 1e9


def dc_order(
    voltage_limit_V: float = 450.0,
    voltage_target_V: float = 400.0,
    voltage_floor_V: float = 300.0,
    charge_current_limit_A: float = 0.0,
    discharge_current_limit_A: float = 0.0,
) -> DcOrder:
    """Volts and amperes; the power is left to the demand's own interval."""
    limits = PowerLimits(
        voltage_floor_V,
        voltage_limit_V,
        charge_current_limit_A,
        discharge_current_limit_A,
        ANY_POWER_W,
        ANY_POWER_W,
    )
    return DcOrder(limits, voltage_target_V)


def changed(demand: StageDemand, **changes: Any) -> StageDemand:
    """The same demand with other values, by the names of `dc_order` and those of a demand."""
    limits = {_LIMITS[name]: value for name, value in changes.items() if name in _LIMITS}
    rest = {name: value for name, value in changes.items() if name not in _LIMITS and name != "voltage_target_V"}
    target_V = changes.get("voltage_target_V", demand.dc.voltage_target_V)
    return replace(demand, order=DcOrder(replace(demand.dc.limits, **limits), target_V), **rest)
