"""The target current of a transfer: the watts that are wanted, cut by every limit, over the present voltage."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.demand import StageDemand
from chargepoint.ports import PowerModuleCapabilities
from chargepoint.safety.envelope import OVER_VOLTAGE_MARGIN_V, SAFE_VOLTAGE_V, Envelope, temperature_factor


@dataclass(frozen=True, slots=True)
class CurrentTarget:
    """Where the ramp goes: signed amperes, the same in watts, and in a word why it is not what was wanted ("" if it is).

    `allowed_A` is what might flow if the battery were not at its floor: a car that opened its contactors looks like that.
    """

    current_A: float = 0.0
    power_W: float = 0.0
    limited_by: str = ""
    allowed_A: float = 0.0


def charge_voltage_V(demand: StageDemand, rated_V: float) -> float:
    """The highest output voltage while charging: of the car's target (where it names one), its maximum and the rating."""
    limit_V = min(demand.voltage_limit_V, rated_V)
    return min(demand.voltage_target_V, limit_V) if demand.voltage_target_V > 0 else limit_V


def target(
    demand: StageDemand,
    envelope: Envelope,
    capabilities: PowerModuleCapabilities | None,
    voltage_V: float | None,
    temperature_degC: float | None,
    frequency_Hz: float | None,
    temperature_share: float = 1.0,
) -> CurrentTarget:
    """What shall flow now, at most `temperature_share` of the rated current. What is not known (capabilities, voltage, the frequency of a law) allows nothing."""
    if capabilities is None or voltage_V is None or voltage_V < SAFE_VOLTAGE_V:
        return CurrentTarget(limited_by="no voltage reading")
    rated_V = min(envelope.voltage_max_V, capabilities.voltage_max_V)
    if voltage_V > min(demand.voltage_limit_V, rated_V) + OVER_VOLTAGE_MARGIN_V:
        return CurrentTarget(
            limited_by="car's maximum voltage" if demand.voltage_limit_V < rated_V else "rated voltage"
        )
    wanted_W: float | None = demand.power_W
    if demand.law is not None:
        wanted_W = demand.law.power_at(frequency_Hz)
    if wanted_W is None:
        return CurrentTarget(limited_by="no grid frequency")
    power_W = demand.limits_W.clamp(wanted_W)
    if power_W > 0 and voltage_V > charge_voltage_V(demand, rated_V) + OVER_VOLTAGE_MARGIN_V:
        return CurrentTarget(
            limited_by="target voltage"
        )  # the battery is above what the car asks for: nothing can flow in
    limited_by = "limits" if power_W != wanted_W else ""
    heat = temperature_factor(temperature_degC) * temperature_share
    charge_W = min(capabilities.charge_power_max_W, envelope.charge_power_max_W)
    discharge_W = min(capabilities.discharge_power_max_W, envelope.discharge_power_max_W)
    charge_A = min(
        demand.charge_current_limit_A,
        capabilities.charge_current_max_A,
        charge_W / voltage_V,
        envelope.current_max_A * heat,
    )
    discharge_A = min(
        demand.discharge_current_limit_A,
        capabilities.discharge_current_max_A,
        discharge_W / voltage_V,
        envelope.current_max_A * heat,
    )
    wanted_A = power_W / voltage_V
    allowed_A = min(max(wanted_A, -discharge_A), charge_A)
    if allowed_A != wanted_A:
        limited_by = "temperature" if heat < 1.0 else "current"
    if power_W < 0 and voltage_V <= demand.voltage_floor_V:
        return CurrentTarget(0.0, 0.0, "temperature" if heat < 1.0 else "voltage floor", allowed_A)
    return CurrentTarget(allowed_A, allowed_A * voltage_V, limited_by, allowed_A)
