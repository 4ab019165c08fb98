"""ScheduleExchange: in Scheduled mode one tuple of what may flow, in Dynamic mode the station's mobility answer."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import (
    ChargingSchedule,
    Dynamic_SEReqControlMode,
    Dynamic_SEResControlMode,
    PowerSchedule,
    PowerScheduleEntry,
    PowerScheduleEntryList,
    PriceLevelSchedule,
    PriceLevelScheduleEntry,
    PriceLevelScheduleEntryList,
    Scheduled_SEReqControlMode,
    Scheduled_SEResControlMode,
    ScheduleExchangeReq,
    ScheduleExchangeRes,
    ScheduleTuple,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.rational import maybe, number, percent, rational, seconds
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import CarEnergy, ControlMode, SeccInputs

SCHEDULE_TUPLE_ID = 1
SCHEDULE_DURATION_S = 86_400
"""One day, or until the car's departure if that is sooner."""


def respond(request: ScheduleExchangeReq, session: Session, inputs: SeccInputs, now: Now) -> Answer | ResponseCode:
    """A schedule at the station's limits: what changes later comes with the charge loop's limits."""
    assert session.choice is not None
    assert session.limits is not None
    if inputs.capabilities is None:
        return ResponseCode.FAILED
    can = inputs.capabilities if session.offered is None else inputs.capabilities.within(session.offered)
    charge_W = min(can.charge_power_max_W, session.limits.charge_power_max_W)
    discharge_W = 0.0
    if session.choice.service.bidirectional:
        discharge_W = min(can.discharge_power_max_W, session.limits.discharge_power_max_W)
    dynamic, scheduled = request.Dynamic_SEReqControlMode, request.Scheduled_SEReqControlMode
    our_dynamic: Dynamic_SEResControlMode | None = None
    our_schedule: Scheduled_SEResControlMode | None = None
    if session.choice.control_mode is ControlMode.DYNAMIC and dynamic is not None:
        energy = _dynamic_energy(dynamic, session.energy)
        our_dynamic = _dynamic(energy, inputs)
    elif session.choice.control_mode is ControlMode.SCHEDULED and scheduled is not None:
        energy = _scheduled_energy(scheduled, session.energy)
        our_schedule = _schedule(charge_W, discharge_W, energy.departure_s, now)
    else:
        return ResponseCode.FAILED_WrongChargeParameter
    after = replace(
        session,
        state=State.CABLE_CHECK,
        energy=energy,
        schedule_charge_W=charge_W,
        schedule_discharge_W=discharge_W,
    )
    response = ScheduleExchangeRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        EVSEProcessing=Processing.Finished,
        Dynamic_SEResControlMode=our_dynamic,
        Scheduled_SEResControlMode=our_schedule,
    )
    return Answer(response, after)


def _schedule(charge_W: float, discharge_W: float, departure_s: float | None, now: Now) -> Scheduled_SEResControlMode:
    duration_s = SCHEDULE_DURATION_S
    if departure_s is not None and 0 < departure_s < SCHEDULE_DURATION_S:
        duration_s = int(departure_s)

    def at(power_W: float) -> ChargingSchedule:
        entry = PowerScheduleEntry(Duration=duration_s, Power=rational(power_W))
        entries = PowerScheduleEntryList(PowerScheduleEntry=(entry,))
        return ChargingSchedule(
            PowerSchedule=PowerSchedule(TimeAnchor=now.utc_s, PowerScheduleEntries=entries),
            PriceLevelSchedule=_one_price_level(duration_s, now),
        )

    offer = ScheduleTuple(
        ScheduleTupleID=SCHEDULE_TUPLE_ID,
        ChargingSchedule=at(charge_W),
        DischargingSchedule=at(discharge_W) if discharge_W > 0 else None,
    )
    return Scheduled_SEResControlMode(ScheduleTuple=(offer,))


def _one_price_level(duration_s: int, now: Now) -> PriceLevelSchedule:
    """A price that never changes. The schema makes prices optional, a widespread car's validation does not."""
    entry = PriceLevelScheduleEntry(Duration=duration_s, PriceLevel=0)
    return PriceLevelSchedule(
        TimeAnchor=now.utc_s,
        PriceScheduleID=1,
        NumberOfPriceLevels=0,
        PriceLevelScheduleEntries=PriceLevelScheduleEntryList(PriceLevelScheduleEntry=(entry,)),
    )


def _dynamic(energy: CarEnergy, inputs: SeccInputs) -> Dynamic_SEResControlMode:
    departure_s = energy.departure_s if inputs.departure_s is None else inputs.departure_s
    minimum = _percent(energy.minimum_soc_percent, inputs.minimum_soc_percent)
    target = _percent(energy.target_soc_percent, inputs.target_soc_percent)
    if minimum is not None and target is not None:
        minimum = min(minimum, target)  # V2G20-1640
    return Dynamic_SEResControlMode(
        DepartureTime=None if departure_s is None else seconds(departure_s), MinimumSOC=minimum, TargetSOC=target
    )


def _percent(of_car: float | None, of_station: float | None) -> int | None:
    value = of_car if of_car is not None else of_station
    return None if value is None else percent(value)


def _dynamic_energy(mode: Dynamic_SEReqControlMode, before: CarEnergy) -> CarEnergy:
    return replace(
        before,
        departure_s=float(mode.DepartureTime),
        minimum_soc_percent=None if mode.MinimumSOC is None else float(mode.MinimumSOC),
        target_soc_percent=before.target_soc_percent if mode.TargetSOC is None else float(mode.TargetSOC),
        target_Wh=number(mode.EVTargetEnergyRequest),
        max_Wh=number(mode.EVMaximumEnergyRequest),
        min_Wh=number(mode.EVMinimumEnergyRequest),
        max_v2x_Wh=maybe(mode.EVMaximumV2XEnergyRequest),
        min_v2x_Wh=maybe(mode.EVMinimumV2XEnergyRequest),
    )


def _scheduled_energy(mode: Scheduled_SEReqControlMode, before: CarEnergy) -> CarEnergy:
    return replace(
        before,
        departure_s=None if mode.DepartureTime is None else float(mode.DepartureTime),
        target_Wh=maybe(mode.EVTargetEnergyRequest),
        max_Wh=maybe(mode.EVMaximumEnergyRequest),
        min_Wh=maybe(mode.EVMinimumEnergyRequest),
    )
