"""PowerDelivery: energy may flow, shall stop, or the schedule is made anew.

Answered when the power stage is there, within the performance time. Source: docs/sources/iso15118-2-din.md 1.2 and 2.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2 import ev_status
from chargepoint.iso15118.iso2.charging_profile import agreed, refused
from chargepoint.iso15118.iso2.evse_status import evse_status
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    DC_EVPowerDeliveryParameter,
    PowerDeliveryReq,
    PowerDeliveryRes,
    ResponseCode,
)
from chargepoint.iso15118.steps.power_start import start_power, stop_asked, without_loops
from chargepoint.iso15118.steps.power_stop import stop_power
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, UnderWay
from chargepoint.iso15118.steps.transfer import NO_TRANSFER
from chargepoint.model.car import CarEvent, ProfileNamed, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish

CLOSING_MAX_ISO2_S = 4.0
"""The answer to a start waits at most this long for the contactor: cars leave at 5 s, the bound is 4.5 s ([860])."""

_RENEGOTIATION = (Wish.SCHEDULE_RENEGOTIATION, Wish.SERVICE_RENEGOTIATION)


def respond(request: PowerDeliveryReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Start: OK once the stage transfers. Stop: OK once the current is gone. Renegotiate: ChargeParameterDiscovery follows ([813]).

    A DC car that renegotiates gets a new cable check, so its power stops first ([582]). An AC car goes on charging meanwhile.
    FAILED for a start inside the loop, and for a renegotiation before the first start ([812]).
    """
    looping, parameter = session.state is Iso2State.CHARGE_LOOP, request.EVPowerDeliveryParameter
    if isinstance(parameter, DC_EVPowerDeliveryParameter):
        display = replace(session.display, charging_complete=parameter.ChargingComplete)
        session = replace(ev_status.heard(session, parameter.DC_EVStatus), display=display)
    match request.ChargeProgress:
        case ChargeProgress.Stop:
            return _stop(session, at)
        case ChargeProgress.Start:
            if looping:
                return Refusal(ResponseCode.FAILED, "it starts again inside the charge loop")
            return _start(request, session, at)
        case ChargeProgress.Renegotiate:
            if not looping:
                return Refusal(ResponseCode.FAILED, "it renegotiates before its first start")
            if (why := without_loops(session.transfer, at)) is not None:
                return Refusal(ResponseCode.FAILED_SequenceError, why)
            return _renegotiate(session, at)


def refuse(_: PowerDeliveryReq, code: ResponseCode, session: Iso2Session, at: Situation) -> PowerDeliveryRes:
    """The response with this code. A car that only chose another schedule or profile than it may is not asked to stop."""
    correctable = code in (ResponseCode.FAILED_TariffSelectionInvalid, ResponseCode.FAILED_ChargingProfileInvalid)
    return PowerDeliveryRes(ResponseCode=code, EVSEStatus=evse_status(session, at, stopped=not correctable))


def learned(request: PowerDeliveryReq, before: Iso2Session, after: Iso2Session, at: Situation) -> tuple[CarEvent, ...]:
    """The profile that the car named, and the wish of the station that the car follows."""
    evse_id, events = EvseId(at.settings.evse_id), list[CarEvent]()
    profile = after.profile
    if profile is not None and profile != before.profile:
        events.append(ProfileNamed(evse_id, profile.tuple_id, profile.anchor_utc_s, profile.entries))
    if request.ChargeProgress is ChargeProgress.Renegotiate:
        wish = at.view.wish
        asked = wish is not None and wish.wish in _RENEGOTIATION
        events.append(WishFollowed(evse_id, wish.wish if wish is not None and asked else Wish.SCHEDULE_RENEGOTIATION))
    return tuple(events)


def _start(request: PowerDeliveryReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    profile = agreed(request, session, at)
    if (wrong := refused(request, profile, session)) is not None:
        return wrong
    if not session.renegotiating and (over := stop_asked(at)) is not None:
        return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, over.why, over.ours)
    step = start_power(session.transfer, at, first=not session.renegotiating, closing_max_s=CLOSING_MAX_ISO2_S)
    match step:
        case Impossible(Hindrance.CONTACTOR, why, ours):
            return Refusal(ResponseCode.FAILED_ContactorError, why, ours)
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer), hold_s=CLOSING_MAX_ISO2_S)
        case Reached(transfer):
            after = replace(
                session, state=Iso2State.CHARGE_LOOP, renegotiating=False, profile=profile, transfer=transfer
            )
            return _ok(after, at)


def _stop(session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    match stop_power(session.transfer, at, is_ac=session.is_ac):
        case Impossible(Hindrance.CONTACTOR, why, ours):
            return Refusal(ResponseCode.FAILED_ContactorError, why, ours)
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer))
        case Reached(transfer):
            state = Iso2State.SESSION_STOP if session.is_ac else Iso2State.WELDING_DETECTION
            return _ok(replace(session, state=state, renegotiating=False, transfer=transfer), at, stopped=session.is_dc)


def _renegotiate(session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    asked = replace(
        session,
        state=Iso2State.CHARGE_PARAMETER_DISCOVERY,
        schedule_round=session.schedule_round + 1,
        joined=False,
    )
    if session.is_ac:
        return _ok(replace(asked, renegotiating=True), at)
    match stop_power(session.transfer, at, is_ac=False):
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer))
        case Reached(_):
            return _ok(replace(asked, cable_checked=False, transfer=NO_TRANSFER), at)


def _ok(session: Iso2Session, at: Situation, *, stopped: bool = False) -> Answer[Iso2Session]:
    response = PowerDeliveryRes(ResponseCode=ResponseCode.OK, EVSEStatus=evse_status(session, at, stopped=stopped))
    return Answer(response, session)
