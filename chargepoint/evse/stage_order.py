"""The order to the power stage for the next lease, from what car, stage and arbiter say."""

from __future__ import annotations

from chargepoint.model.car import CarDemand, ControlMode
from chargepoint.model.demand import Phase, PilotCommand, Setpoint, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import ZERO

HLC_DUTY_PERCENT = 5.0
"""IEC 61851-1: 5 % duty means digital communication (docs/sources/safety.md 2)."""

_DUTY_PERCENT = {PilotCommand.PWM: HLC_DUTY_PERCENT, PilotCommand.X1: 100.0, PilotCommand.F: 0.0}


def off(evse_id: EvseId, lease_s: float, pilot: PilotCommand, *, lock: bool) -> StageDemand:
    """The order for no power. `lock`: the connector stays locked."""
    return StageDemand(evse_id, 0, lease_s, Phase.OFF, pilot, _DUTY_PERCENT[pilot], lock=lock)


def energise(
    car: CarDemand,
    can: StageCapabilities,
    setpoint: Setpoint,
    frequency_Hz: float | None,
    lease_s: float,
    pilot: PilotCommand,
    *,
    flowing: bool,
) -> StageDemand:
    """The phase the car asks for, within what car and stage can; power only while it may flow.

    At an AC outlet the car converts and gets this power as its target. The station therefore evaluates a frequency-watt law
    here, at the measured `frequency_Hz`; the DC power stage evaluates it itself, with each cycle.
    """
    if car.service.is_ac:
        power_W, law = setpoint.power_at(frequency_Hz), None
        charge_A, discharge_A = _sums_of_phases(car, can)
    else:
        power_W, law = setpoint.power_W, setpoint.law
        charge_A, discharge_A = _current_limits(car, can)
    return StageDemand(
        evse_id=car.evse_id,
        seq=0,
        lease_s=lease_s,
        phase=car.phase,
        pilot=pilot,
        duty_percent=_DUTY_PERCENT[pilot],
        lock=True,
        voltage_limit_V=min(car.limits.voltage_max_V, can.voltage_max_V),
        voltage_target_V=min(max(car.target_voltage_V or 0.0, 0.0), can.voltage_max_V),
        voltage_floor_V=min(car.limits.voltage_min_V, can.voltage_max_V),
        charge_current_limit_A=charge_A,
        discharge_current_limit_A=discharge_A,
        power_W=power_W if flowing else 0.0,
        limits_W=setpoint.limits_W if flowing else ZERO,
        law=law if flowing else None,
    )


def _sums_of_phases(car: CarDemand, can: StageCapabilities) -> tuple[float, float]:
    """AC: magnitudes for charge and discharge as the sum of all phases, at nominal voltage."""
    voltage_V = can.voltage_max_V if can.ac is None else can.ac.nominal_voltage_V
    charge_A = min(car.limits.charge_power_max_W / voltage_V, can.charge_current_max_A)
    discharge_A = min(car.limits.discharge_power_max_W / voltage_V, can.discharge_current_max_A)
    return charge_A, discharge_A if car.service.bidirectional else 0.0


def _current_limits(car: CarDemand, can: StageCapabilities) -> tuple[float, float]:
    """Magnitudes for charge and discharge. The lesser of car and stage counts; in Scheduled mode at most what the car asks."""
    charge_A = min(car.limits.charge_current_max_A, can.charge_current_max_A)
    discharge_A = min(car.limits.discharge_current_max_A, can.discharge_current_max_A)
    if not car.service.bidirectional:
        discharge_A = 0.0
    if car.control_mode is ControlMode.SCHEDULED:
        asked_A = car.target_current_A or 0.0
        charge_A, discharge_A = min(charge_A, max(asked_A, 0.0)), min(discharge_A, max(-asked_A, 0.0))
    return charge_A, discharge_A
