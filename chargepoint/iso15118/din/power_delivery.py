"""PowerDelivery: energy may flow, or shall stop. Answered when the power stage is there, within 1.4 s: cars of DIN leave after 2 s.

Source: docs/sources/iso15118-2-din.md 1.2, 1.3 and 2.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din import ev_status
from chargepoint.iso15118.din.dc_evse_status import dc_evse_status
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import (
    ChargingProfile,
    DC_EVPowerDeliveryParameter,
    PowerDeliveryReq,
    PowerDeliveryRes,
    ResponseCode,
)
from chargepoint.iso15118.steps.power_profile import pieces_until_next
from chargepoint.iso15118.steps.power_start import CLOSING_MAX_S, start_power, stop_asked
from chargepoint.iso15118.steps.power_stop import stop_power
from chargepoint.iso15118.steps.schedule import DAY_S
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, UnderWay
from chargepoint.model.car import CarEvent, ProfileNamed
from chargepoint.model.ids import EvseId

PRE_CHARGE_TOLERANCE_V = 20.0
"""An output so far below the car's voltage was not brought up in time (docs/sources/safety.md 3)."""


def respond(request: PowerDeliveryReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """True: OK once the stage transfers. False: OK once the current is gone. FAILED_SequenceError for True before any pre-charge."""
    parameter = request.EVPowerDeliveryParameter
    if isinstance(parameter, DC_EVPowerDeliveryParameter):
        display = replace(session.display, charging_complete=parameter.ChargingComplete)
        session = replace(ev_status.heard(session, parameter.DC_EVStatus), display=display)
    return _start(request, session, at) if request.ReadyToChargeState else _stop(session, at)


def refuse(_: PowerDeliveryReq, code: ResponseCode, session: DinSession, at: Situation) -> PowerDeliveryRes:
    """The response with this code."""
    return PowerDeliveryRes(ResponseCode=code, EVSEStatus=dc_evse_status(session, at, stopped=True))


def learned(request: PowerDeliveryReq, before: DinSession, after: DinSession, at: Situation) -> tuple[CarEvent, ...]:
    """The car's own plan, where it names one with its start, and an error that the car reports."""
    errors = ev_status.learned(request, before, after, at)
    profile = request.ChargingProfile
    if profile is None or not request.ReadyToChargeState or (pieces := _pieces(profile)) == ():
        return errors
    named = ProfileNamed(EvseId(at.settings.evse_id), profile.SAScheduleTupleID, at.now.utc_s, pieces)
    return (*errors, named)


def _start(request: PowerDeliveryReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    if session.state is DinState.CURRENT_DEMAND:
        return Refusal(ResponseCode.FAILED, "it starts again inside the charge loop")
    if session.transfer.pre_charge_since_s is None:
        return Refusal(ResponseCode.FAILED_SequenceError, "it starts before any PreChargeReq")
    if (refused := _profile_refused(request.ChargingProfile, session)) is not None:
        return refused
    if (over := stop_asked(at)) is not None:
        return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, over.why, over.ours)
    match start_power(session.transfer, at, first=True):
        case Impossible(Hindrance.CONTACTOR, why, ours):
            return Refusal(_not_closed(session, at), why, ours)
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer), hold_s=CLOSING_MAX_S)
        case Reached(transfer):
            after = replace(session, state=DinState.CURRENT_DEMAND, transfer=transfer)
            return Answer(PowerDeliveryRes(ResponseCode=ResponseCode.OK, EVSEStatus=dc_evse_status(after, at)), after)


def _stop(session: DinSession, at: Situation) -> Reply[DinSession]:
    match stop_power(session.transfer, at, is_ac=False):
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer), hold_s=CLOSING_MAX_S)
        case Reached(transfer):
            after = replace(session, state=DinState.WELDING_DETECTION, transfer=transfer)
            status = dc_evse_status(after, at, stopped=True)
            return Answer(PowerDeliveryRes(ResponseCode=ResponseCode.OK, EVSEStatus=status), after)


def _not_closed(session: DinSession, at: Situation) -> ResponseCode:
    """Why the contactor did not close in time, as DIN can say it."""
    target_V, present_V = session.transfer.target_voltage_V, at.view.voltage_V
    if target_V is not None and present_V is not None and present_V < target_V - PRE_CHARGE_TOLERANCE_V:
        return ResponseCode.FAILED_EVSEPresentVoltageToLow
    return ResponseCode.FAILED_PowerDeliveryNotApplied


def _profile_refused(profile: ChargingProfile | None, session: DinSession) -> Refusal | None:
    """The profile names our tuple (V2G-DC-400). What it plans is never refused: cars were seen to exceed the schedule, and the limits
    of each loop bind all the same."""
    if profile is None or session.schedule is None or profile.SAScheduleTupleID == session.schedule.tuple_id:
        return None
    why = f"it selects schedule tuple {profile.SAScheduleTupleID}, offered was {session.schedule.tuple_id}"
    return Refusal(ResponseCode.FAILED_TariffSelectionInvalid, why)


def _pieces(profile: ChargingProfile) -> tuple[tuple[int, float], ...]:
    """What the car plans for the day, as (duration_s, power_W). Empty where the entries do not come one after the other."""
    entries = [
        (entry.ChargingProfileEntryStart, float(entry.ChargingProfileEntryMaxPower)) for entry in profile.ProfileEntry
    ]
    in_order = all(one[0] < other[0] for one, other in pairwise(entries))
    return pieces_until_next(entries, DAY_S) if in_order else ()
