"""ScheduleExchange: in Scheduled mode one tuple of what the station foresees, in Dynamic mode the station's mobility needs.

Source: docs/sources/iso15118-20.md 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_MSG_PERFORMANCE_S, V2G_SECC_ONGOING_S
from chargepoint.iso15118.iso20.ac_phases import PhaseLimits, fields
from chargepoint.iso15118.iso20.mobility import departure_of_station, soc_bounds_of_station
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
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
from chargepoint.iso15118.rational import maybe, number
from chargepoint.iso15118.steps.schedule import DAY_S, SCHEDULE_TUPLE_ID, foreseen, offered, question, within
from chargepoint.model.car import CarEnergy, CarEvent, ControlMode, ScheduleOffered
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.ids import EvseId
from chargepoint.model.schedule_offer import ScheduleOffer, shortened

POINTS_MIN, POINTS_MAX = 12, 1024
"""Bounds of MaximumSupportingPoints in the schema."""


def respond(request: ScheduleExchangeReq, session: Session, at: Situation) -> Reply[Session]:
    """The schedule, or Ongoing while the station makes it. What changes later comes with the charge loop and renegotiation."""
    assert session.choice is not None
    dynamic, scheduled = request.Dynamic_SEReqControlMode, request.Scheduled_SEReqControlMode
    if session.choice.control_mode is ControlMode.DYNAMIC and dynamic is not None:
        after = replace(session, energy=_dynamic_energy(dynamic, session.energy, at.now.monotonic_s))
        return _finished(after, at, our_dynamic=_dynamic(after, at))
    if session.choice.control_mode is ControlMode.SCHEDULED and scheduled is not None:
        energy = _scheduled_energy(scheduled, session.energy, at.now.monotonic_s)
        return _scheduled(request, replace(session, energy=energy), at)
    given = "no control mode" if dynamic is None and scheduled is None else "the other control mode"
    return Refusal(ResponseCode.FAILED, f"{given}, {session.choice.control_mode.value} was chosen")


def refuse(request: ScheduleExchangeReq, code: ResponseCode, session: Session, at: Situation) -> ScheduleExchangeRes:
    """The response with this code; its control mode is that of the request."""
    scheduled = dynamic = None
    if request.Scheduled_SEReqControlMode is not None:
        nothing = ScheduleOffer(SCHEDULE_TUPLE_ID, at.now.utc_s, (PowerPiece(DAY_S, 0.0, 0.0),))
        scheduled = _tuple_of(nothing, None, discharge=False)
    else:
        dynamic = Dynamic_SEResControlMode()
    return ScheduleExchangeRes(
        **head(code, session, at),
        EVSEProcessing=Processing.Finished,
        Dynamic_SEResControlMode=dynamic,
        Scheduled_SEResControlMode=scheduled,
    )


def learned(_: ScheduleExchangeReq, before: Session, after: Session, at: Situation) -> tuple[CarEvent, ...]:
    """What the car may plan with from now on."""
    if after.schedule is None or after.state is before.state:
        return ()
    return (ScheduleOffered(EvseId(at.settings.evse_id), after.schedule),)


def _scheduled(request: ScheduleExchangeReq, session: Session, at: Situation) -> Reply[Session]:
    assert session.choice is not None
    points = max(POINTS_MIN, min(request.MaximumSupportingPoints, POINTS_MAX))
    asked = question(session.schedule_round, session.energy.departure_at_s, points, at)
    foreseen_pieces = foreseen(asked, at)
    if foreseen_pieces is None:
        if at.waited_s(asked) >= V2G_SECC_ONGOING_S:
            return Refusal(ResponseCode.FAILED, "the station made no schedule in time", ours=True)
        if not at.time_is_up:
            return Later(session, ask=asked, hold_s=V2G_SECC_MSG_PERFORMANCE_S / 2)
        waiting = refuse(request, ResponseCode.OK, session, at)
        return Answer(replace(waiting, EVSEProcessing=Processing.Ongoing), session, ask=asked)
    pieces = shortened(_possible(foreseen_pieces, session), points)
    if not pieces:
        return Refusal(ResponseCode.FAILED, "the station foresees nothing", ours=True)
    offer = offered(session.schedule, pieces, at, joined=session.joined and not session.renegotiating)
    tuples = _tuple_of(offer, session.phase_limits, discharge=session.choice.service.bidirectional)
    return _finished(replace(session, schedule=offer, profile=None), at, our_schedule=tuples)


def _finished(
    session: Session,
    at: Situation,
    our_dynamic: Dynamic_SEResControlMode | None = None,
    our_schedule: Scheduled_SEResControlMode | None = None,
) -> Answer[Session]:
    straight_on = session.is_ac or session.renegotiating
    after = replace(session, state=State.POWER_DELIVERY if straight_on else State.CABLE_CHECK)
    response = ScheduleExchangeRes(
        Header=session.header(at.now),
        ResponseCode=ResponseCode.OK,
        EVSEProcessing=Processing.Finished,
        Dynamic_SEResControlMode=our_dynamic,
        Scheduled_SEResControlMode=our_schedule,
    )
    return Answer(response, after)


# -- Scheduled -----------------------------------------------------------------------------------------------------------


def _possible(pieces: tuple[PowerPiece, ...], session: Session) -> tuple[PowerPiece, ...]:
    """The pieces within what car and station announced to each other; discharge only where the service has it."""
    assert session.limits is not None
    assert session.choice is not None
    charge_W, discharge_W = session.limits.charge_power_max_W, session.limits.discharge_power_max_W
    if session.offered is not None:
        charge_W = min(charge_W, session.offered.charge_power_max_W)
        discharge_W = min(discharge_W, session.offered.discharge_power_max_W)
    if not session.choice.service.bidirectional:
        discharge_W = 0.0
    return within(pieces, charge_W, discharge_W)


def _tuple_of(offer: ScheduleOffer, phases: PhaseLimits | None, *, discharge: bool) -> Scheduled_SEResControlMode:
    """On the wire the power of a discharging schedule is negative (V2G20-1035)."""
    return Scheduled_SEResControlMode(
        ScheduleTuple=(
            ScheduleTuple(
                ScheduleTupleID=offer.tuple_id,
                ChargingSchedule=_schedule(offer, phases, lambda piece: piece.charge_W),
                DischargingSchedule=_schedule(offer, phases, lambda piece: -piece.discharge_W) if discharge else None,
            ),
        )
    )


def _schedule(
    offer: ScheduleOffer, phases: PhaseLimits | None, power_W: Callable[[PowerPiece], float]
) -> ChargingSchedule:
    """With an entry for each phase only where the car gave its limits by phase (V2G20-1822)."""
    entries = tuple(
        PowerScheduleEntry(Duration=round(p.duration_s), **fields("Power", power_W(p), phases)) for p in offer.pieces
    )
    return ChargingSchedule(
        PowerSchedule=PowerSchedule(
            TimeAnchor=offer.anchor_utc_s, PowerScheduleEntries=PowerScheduleEntryList(PowerScheduleEntry=entries)
        ),
        PriceLevelSchedule=_one_price_level(offer),
    )


def _one_price_level(offer: ScheduleOffer) -> PriceLevelSchedule:
    """A price that never changes: a tariff goes to cars of ISO 15118-2 alone. The schema makes prices optional; cars in the field do not."""
    entry = PriceLevelScheduleEntry(Duration=round(sum(p.duration_s for p in offer.pieces)), PriceLevel=0)
    return PriceLevelSchedule(
        TimeAnchor=offer.anchor_utc_s,
        PriceScheduleID=1,
        NumberOfPriceLevels=0,
        PriceLevelScheduleEntries=PriceLevelScheduleEntryList(PriceLevelScheduleEntry=(entry,)),
    )


def _scheduled_energy(mode: Scheduled_SEReqControlMode, before: CarEnergy, now_s: float) -> CarEnergy:
    return replace(
        before,
        departure_at_s=None if mode.DepartureTime is None else now_s + mode.DepartureTime,
        target_Wh=maybe(mode.EVTargetEnergyRequest),
        max_Wh=maybe(mode.EVMaximumEnergyRequest),
        min_Wh=maybe(mode.EVMinimumEnergyRequest),
    )


# -- Dynamic -------------------------------------------------------------------------------------------------------------


def _dynamic(session: Session, at: Situation) -> Dynamic_SEResControlMode:
    """Filled only where the station may say what the driver needs (MobilityNeedsMode 2)."""
    minimum, target = soc_bounds_of_station(session, at)
    return Dynamic_SEResControlMode(
        DepartureTime=departure_of_station(session, at), MinimumSOC=minimum, TargetSOC=target
    )


def _dynamic_energy(mode: Dynamic_SEReqControlMode, before: CarEnergy, now_s: float) -> CarEnergy:
    return replace(
        before,
        departure_at_s=now_s + mode.DepartureTime,
        minimum_soc_percent=None if mode.MinimumSOC is None else float(mode.MinimumSOC),
        target_soc_percent=before.target_soc_percent if mode.TargetSOC is None else float(mode.TargetSOC),
        target_Wh=number(mode.EVTargetEnergyRequest),
        max_Wh=number(mode.EVMaximumEnergyRequest),
        min_Wh=number(mode.EVMinimumEnergyRequest),
        max_v2x_Wh=maybe(mode.EVMaximumV2XEnergyRequest),
        min_v2x_Wh=maybe(mode.EVMinimumV2XEnergyRequest),
    )
