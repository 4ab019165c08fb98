"""The order to the power stage for the next lease, from what car, stage and arbiter say."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.car import CarDemand, ControlMode
from chargepoint.model.demand import AcOrder, DcOrder, Phase, PilotCommand, Setpoint, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import ZERO, PowerLimits

HLC_DUTY_PERCENT = 5.0
"""IEC 61851-1: 5 % duty means digital communication (docs/sources/safety.md 2)."""

REPORT_STEP_W = 500.0

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
    order: DcOrder | AcOrder
    if car.service.is_ac:
        power_W, law = setpoint.power_at(frequency_Hz), None
        order = _ac_order(car, can)
    else:
        power_W, law = setpoint.power_W, setpoint.law
        order = DcOrder(_dc_limits(car, can), min(max(car.target_voltage_V or 0.0, 0.0), can.voltage_max_V))
    return StageDemand(
        evse_id=car.evse_id,
        seq=0,
        lease_s=lease_s,
        phase=car.phase,
        pilot=pilot,
        duty_percent=_DUTY_PERCENT[pilot],
        lock=True,
        power_W=power_W if flowing else 0.0,
        limits_W=setpoint.limits_W if flowing else ZERO,
        law=law if flowing else None,
        order=order,
    )


def _ac_order(car: CarDemand, can: StageCapabilities) -> AcOrder:
    """The phases that the car uses, and the current of each at nominal voltage, at most the outlet's.

    A car that named each phase on its own has these powers there. Any other car has an even part of its greater power.
    """
    phases, most_A, voltage_V = 1, can.current_max_A, can.voltage_max_V
    if can.ac is not None:
        phases, most_A, voltage_V = min(car.phases, can.ac.phases), can.ac.current_max_A, can.ac.nominal_voltage_V
    limits = car.limits if car.service.bidirectional else car.limits.one_way()
    wanted_W = max(limits.charge_power_max_W, limits.discharge_power_max_W)
    said_W = _reported_W(car)
    if phases == 3 and car.phase_powers_max_W is not None:
        each_A = tuple(min(most_A, min(one_W, wanted_W) / voltage_V) for one_W in car.phase_powers_max_W)
        return AcOrder(each_A, said_W)
    return AcOrder.even(phases, min(most_A, wanted_W / voltage_V / phases), said_W)


def _reported_W(car: CarDemand) -> float | None:
    """In whole steps, so that an order does not change with each message of the car."""
    power_W = car.present_power_W
    return None if power_W is None else round(power_W / REPORT_STEP_W) * REPORT_STEP_W


def _dc_limits(car: CarDemand, can: StageCapabilities) -> PowerLimits:
    """What both car and stage can; in Scheduled mode at most the current that the car asks for."""
    both = car.limits.within(can)
    limits = replace(both, voltage_min_V=min(both.voltage_min_V, can.voltage_max_V))
    if not car.service.bidirectional:
        limits = limits.one_way()
    if car.control_mode is not ControlMode.SCHEDULED:
        return limits
    asked_A = car.target_current_A or 0.0
    return replace(
        limits,
        charge_current_max_A=min(limits.charge_current_max_A, max(asked_A, 0.0)),
        discharge_current_max_A=min(limits.discharge_current_max_A, max(-asked_A, 0.0)),
    )
