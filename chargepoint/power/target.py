"""The target current of a transfer: the watts that are wanted, cut by every limit, over the present voltage."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.demand import StageDemand
from chargepoint.model.limits import Interval
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
    order = demand.dc
    limit_V = min(order.limits.voltage_max_V, rated_V)
    return min(order.voltage_target_V, limit_V) if order.voltage_target_V > 0 else limit_V


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
    car, rated = demand.dc.limits, capabilities.within(envelope.limits)
    rated_V = rated.voltage_max_V
    if voltage_V > min(car.voltage_max_V, rated_V) + OVER_VOLTAGE_MARGIN_V:
        return CurrentTarget(limited_by="car's maximum voltage" if car.voltage_max_V < rated_V else "rated voltage")
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
    heat_A = envelope.current_max_A * heat
    wanted_A = power_W / voltage_V
    allowed_A = Interval(-heat_A, heat_A).clamp(rated.within(car).current_at(voltage_V).clamp(wanted_A))
    if allowed_A != wanted_A:
        limited_by = "temperature" if heat < 1.0 else "current"
    if power_W < 0 and voltage_V <= car.voltage_min_V:
        return CurrentTarget(0.0, 0.0, "temperature" if heat < 1.0 else "voltage floor", allowed_A)
    return CurrentTarget(allowed_A, allowed_A * voltage_V, limited_by, allowed_A)
