"""ChargeParameterDiscovery: car and station exchange their limits, and the car gets its schedule.

Source: docs/sources/iso15118-2-din.md 1.2 and 1.3.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_ONGOING_S
from chargepoint.iso15118.din import ev_status
from chargepoint.iso15118.din.dc_evse_status import dc_evse_status
from chargepoint.iso15118.din.physical import amperes, volts, watts
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import (
    ChargeParameterDiscoveryReq,
    ChargeParameterDiscoveryRes,
    DC_EVChargeParameter,
    DC_EVSEChargeParameter,
    EVRequestedEnergyTransfer,
    EVSEProcessing,
    PMaxSchedule,
    PMaxScheduleEntry,
    RelativeTimeInterval,
    ResponseCode,
    SAScheduleList,
    SAScheduleTuple,
)
from chargepoint.iso15118.physical_value import maybe, number
from chargepoint.iso15118.steps import dc_limits
from chargepoint.iso15118.steps.schedule import DAY_S, SCHEDULE_TUPLE_ID, foreseen, question, within
from chargepoint.model.car import CarDisplay, CarEvent, ScheduleOffered
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.schedule_offer import ScheduleOffer

PMAX_LARGEST_W = 32_767
"""PMax is a short in W: a station that can do more says this."""

ANSWER_WITHIN_S = 0.2
"""An answer that waits for the station is Ongoing after this: a known car leaves after 400 ms without one."""

_DC = (
    EVRequestedEnergyTransfer.DC_extended,
    EVRequestedEnergyTransfer.DC_core,
    EVRequestedEnergyTransfer.DC_combo_core,
)
"""DC_extended is offered. The others differ in the contacts they name, and the plug in the car has only one pair for DC."""

_NOTHING = StageCapabilities(
    voltage_min_V=0.0,
    voltage_max_V=0.0,
    charge_current_max_A=0.0,
    discharge_current_max_A=0.0,
    charge_power_max_W=0.0,
    discharge_power_max_W=0.0,
)


def respond(request: ChargeParameterDiscoveryReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """Our limits for theirs, and one schedule of a day. Ongoing while the station makes it."""
    parameters, kind = request.EVChargeParameter, request.EVRequestedEnergyTransferType
    if kind not in _DC:
        return Refusal(ResponseCode.FAILED_WrongEnergyTransferType, f"it asks for {kind.value} at a DC outlet")
    if not isinstance(parameters, DC_EVChargeParameter):
        return Refusal(
            ResponseCode.FAILED_WrongChargeParameter, f"it sends {type(parameters).__name__} with {kind.value}"
        )
    can = at.view.capabilities
    if can is None:
        return Refusal(ResponseCode.FAILED, "the power module has not answered yet", ours=True)
    heard = _heard(parameters, ev_status.heard(session, parameters.DC_EVStatus))
    assert heard.limits is not None
    if (why := dc_limits.nonsense(heard.limits, can)) is not None:
        return Refusal(ResponseCode.FAILED_WrongChargeParameter, why)
    asked = question(0, heard.energy.departure_at_s, 1, at)
    pieces = foreseen(asked, at)
    if pieces is None:
        if at.waited_s(asked) >= V2G_SECC_ONGOING_S:
            return Refusal(ResponseCode.FAILED, "the station made no schedule in time", ours=True)
        if not at.time_is_up:
            return Later(heard, ask=asked, hold_s=ANSWER_WITHIN_S)
        now = _offer((PowerPiece(DAY_S, can.charge_power_max_W, 0.0),), heard, can, at)
        return Answer(_response(heard, at, EVSEProcessing.Ongoing, can, now), heard, ask=asked)
    offer = _offer(pieces, heard, can, at)
    after = replace(heard, state=DinState.CABLE_CHECK, offered=can, schedule=offer)
    return Answer(_response(heard, at, EVSEProcessing.Finished, can, offer), after)


def refuse(
    _: ChargeParameterDiscoveryReq, code: ResponseCode, session: DinSession, at: Situation
) -> ChargeParameterDiscoveryRes:
    """The response with this code: nothing may flow."""
    return ChargeParameterDiscoveryRes(
        ResponseCode=code,
        EVSEProcessing=EVSEProcessing.Finished,
        SASchedules=_schedules(ScheduleOffer(SCHEDULE_TUPLE_ID, at.now.utc_s, (PowerPiece(DAY_S, 0.0, 0.0),))),
        EVSEChargeParameter=_station_limits(session, at, _NOTHING, stopped=True),
    )


def learned(
    request: ChargeParameterDiscoveryReq, before: DinSession, after: DinSession, at: Situation
) -> tuple[CarEvent, ...]:
    """What the car may plan with, once it is finished, and an error that the car reports."""
    errors = ev_status.learned(request, before, after, at)
    if after.schedule is None or after.state is before.state:
        return errors
    return (*errors, ScheduleOffered(EvseId(at.settings.evse_id), after.schedule, renegotiable=False))


def _heard(said: DC_EVChargeParameter, session: DinSession) -> DinSession:
    limits = dc_limits.announced(
        number(said.EVMaximumVoltageLimit), number(said.EVMaximumCurrentLimit), maybe(said.EVMaximumPowerLimit)
    )
    energy = replace(
        session.energy,
        target_soc_percent=None if said.BulkSOC is None else float(said.BulkSOC),
        target_Wh=maybe(said.EVEnergyRequest),
    )
    display = CarDisplay(
        maximum_soc_percent=None if said.FullSOC is None else float(said.FullSOC),
        capacity_Wh=maybe(said.EVEnergyCapacity),
    )
    return replace(session, limits=limits, energy=energy, display=display)


def _offer(pieces: tuple[PowerPiece, ...], session: DinSession, can: StageCapabilities, at: Situation) -> ScheduleOffer:
    """One piece of a day with the most that may flow in it. What may flow at each moment is in the charge loop."""
    assert session.limits is not None
    charge_W = min(session.limits.charge_power_max_W, can.charge_power_max_W, PMAX_LARGEST_W)
    most_W = max((piece.charge_W for piece in within(pieces, charge_W, 0.0)), default=0.0)
    return ScheduleOffer(SCHEDULE_TUPLE_ID, at.now.utc_s, (PowerPiece(DAY_S, most_W, 0.0),))


def _response(
    session: DinSession, at: Situation, processing: EVSEProcessing, can: StageCapabilities, offer: ScheduleOffer
) -> ChargeParameterDiscoveryRes:
    return ChargeParameterDiscoveryRes(
        ResponseCode=ResponseCode.OK,
        EVSEProcessing=processing,
        SASchedules=_schedules(offer),
        EVSEChargeParameter=_station_limits(session, at, can),
    )


def _schedules(offer: ScheduleOffer) -> SAScheduleList:
    entries = tuple(
        PMaxScheduleEntry(
            TimeInterval=RelativeTimeInterval(start=0, duration=round(piece.duration_s)), PMax=int(piece.charge_W)
        )
        for piece in offer.pieces
    )
    schedule = PMaxSchedule(PMaxScheduleID=1, PMaxScheduleEntry=entries)
    return SAScheduleList(SAScheduleTuple=(SAScheduleTuple(SAScheduleTupleID=offer.tuple_id, PMaxSchedule=schedule),))


def _station_limits(
    session: DinSession, at: Situation, can: StageCapabilities, *, stopped: bool = False
) -> DC_EVSEChargeParameter:
    """The station's limits as announced. The minimum of the current is 0 because the stage has no dead zone it knows of; a ripple
    must be named, and is not known."""
    return DC_EVSEChargeParameter(
        DC_EVSEStatus=dc_evse_status(session, at, stopped=stopped),
        EVSEMaximumCurrentLimit=amperes(can.charge_current_max_A),
        EVSEMaximumPowerLimit=watts(can.charge_power_max_W),
        EVSEMaximumVoltageLimit=volts(can.voltage_max_V),
        EVSEMinimumCurrentLimit=amperes(0.0),
        EVSEMinimumVoltageLimit=volts(can.voltage_min_V),
        EVSEPeakCurrentRipple=amperes(0.0),
    )
