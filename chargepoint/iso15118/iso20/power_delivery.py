"""PowerDelivery: energy may flow, shall stop, rests in standby, or the schedule is made anew.

Answered when the power stage is there, within the performance time. Source: docs/sources/iso15118-20.md 1.5, 3, 4 and 5.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.ac_phases import total_W
from chargepoint.iso15118.iso20.evse_status import TERMINATE, evse_status
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import ChargeProgress, PowerDeliveryReq, PowerDeliveryRes
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.steps.power_profile import AgreedProfile, outside
from chargepoint.iso15118.steps.power_start import CLOSING_MAX_S, start_power, without_loops
from chargepoint.iso15118.steps.power_stop import stop_power
from chargepoint.iso15118.steps.pre_charge import too_long_before_transfer
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, UnderWay
from chargepoint.model.car import CarEvent, ControlMode, ProfileNamed, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish


def respond(request: PowerDeliveryReq, session: Session, at: Situation) -> Reply[Session]:
    """Start: OK once the stage transfers (V2G20-860: contactor measured closed). Stop: OK once current is gone.

    A car that sends this message over and over instead of charge loops is refused.
    """
    stops = request.ChargeProgress is ChargeProgress.Stop
    if not stops and session.state is State.CHARGE_LOOP and (why := without_loops(session.transfer, at)) is not None:
        return Refusal(ResponseCode.FAILED_SequenceError, why)
    match request.ChargeProgress:
        case ChargeProgress.Start:
            return _start(request, session, at)
        case ChargeProgress.Stop:
            return _stop(session, at)
        case ChargeProgress.Standby:
            if not at.settings.standby or session.state is not State.CHARGE_LOOP:
                return _ok(session, at, ResponseCode.WARNING_StandbyNotAllowed)
            return _ok(session.within(standby=True, target_current_A=None), at)
        case ChargeProgress.ScheduleRenegotiation:
            if session.state is not State.CHARGE_LOOP:
                return _ok(session, at, ResponseCode.WARNING_ScheduleRenegotiationFailed)
            after = replace(
                session, state=State.SCHEDULE_EXCHANGE, renegotiating=True, schedule_round=session.schedule_round + 1
            )
            return _ok(after, at)


def refuse(_: PowerDeliveryReq, code: ResponseCode, session: Session, at: Situation) -> PowerDeliveryRes:
    """The response with this code, asking the car to end."""
    return PowerDeliveryRes(**head(code, session, at), EVSEStatus=TERMINATE)


def learned(request: PowerDeliveryReq, before: Session, after: Session, at: Situation) -> tuple[CarEvent, ...]:
    """The wishes of the station that the car follows with this message, and the profile the car named."""
    evse_id = EvseId(at.settings.evse_id)
    scheduled = after.choice is not None and after.choice.control_mode is ControlMode.SCHEDULED
    if scheduled and after.profile is not None and after.profile != before.profile:
        profile = after.profile
        named = ProfileNamed(evse_id, profile.tuple_id, profile.anchor_utc_s, profile.entries)
        return (named, *_wishes_followed(request, before, evse_id))
    return _wishes_followed(request, before, evse_id)


def _wishes_followed(request: PowerDeliveryReq, before: Session, evse_id: EvseId) -> tuple[CarEvent, ...]:
    match request.ChargeProgress:
        case ChargeProgress.ScheduleRenegotiation:
            return (WishFollowed(evse_id, Wish.SCHEDULE_RENEGOTIATION),)
        case ChargeProgress.Start if before.transfer.standby:
            return (WishFollowed(evse_id, Wish.EXIT_STANDBY),)
    return ()


def _start(request: PowerDeliveryReq, session: Session, at: Situation) -> Reply[Session]:
    if request.EVProcessing is not Processing.Finished:
        if (late := too_long_before_transfer(session.transfer, at)) is not None:
            return Refusal(ResponseCode.FAILED, late.why)
        return _ok(session, at)  # a car in its charge loop stays there: nothing leads back to pre-charge
    profile = _profile(request)
    if (refused := _profile_refused(request, profile, session)) is not None:
        return refused
    first = session.state is State.POWER_DELIVERY and not session.renegotiating
    match start_power(session.transfer, at, first=first):
        case Impossible(Hindrance.CONTACTOR, why, ours) if session.is_ac:
            return Refusal(ResponseCode.FAILED_ContactorError, why, ours)
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer), hold_s=CLOSING_MAX_S)
        case Reached(transfer):
            after = replace(
                session,
                state=State.CHARGE_LOOP,
                renegotiating=False,
                profile=profile or session.profile,
                transfer=transfer,
            )
            return _ok(after, at)


def _stop(session: Session, at: Situation) -> Reply[Session]:
    match stop_power(session.transfer, at, is_ac=session.is_ac):
        case Impossible(Hindrance.CONTACTOR, why, ours):
            return Refusal(ResponseCode.FAILED_ContactorError, why, ours)
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED_PowerDeliveryNotApplied, why, ours)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer))
        case Reached(transfer):
            state = State.SESSION_STOP if session.is_ac else State.WELDING_DETECTION
            return _ok(replace(session, state=state, renegotiating=False, transfer=transfer), at)


def _profile(request: PowerDeliveryReq) -> AgreedProfile | None:
    profile = request.EVPowerProfile
    if profile is None:
        return None
    selected = profile.Scheduled_EVPPTControlMode
    return AgreedProfile(
        tuple_id=0 if selected is None else selected.SelectedScheduleTupleID,
        anchor_utc_s=profile.TimeAnchor,
        entries=tuple(
            (e.Duration, total_W(e, "Power") or 0.0) for e in profile.EVPowerProfileEntries.EVPowerProfileEntry
        ),
    )


def _profile_refused(request: PowerDeliveryReq, profile: AgreedProfile | None, session: Session) -> Refusal | None:
    """In Scheduled mode the profile names our tuple and stays inside it. In Dynamic mode it says nothing (K19.FR.10)."""
    assert session.choice is not None
    if session.choice.control_mode is not ControlMode.SCHEDULED or profile is None or session.schedule is None:
        return None
    if profile.tuple_id != session.schedule.tuple_id:
        why = f"it selects schedule tuple {profile.tuple_id}, offered was {session.schedule.tuple_id}"
        return Refusal(ResponseCode.FAILED_ScheduleSelectionInvalid, why)
    why_not = outside(profile, session.schedule)
    return None if why_not is None else Refusal(ResponseCode.FAILED_EVPowerProfileInvalid, why_not)


def _ok(session: Session, at: Situation, code: ResponseCode = ResponseCode.OK) -> Answer[Session]:
    response = PowerDeliveryRes(
        Header=session.header(at.now), ResponseCode=code, EVSEStatus=evse_status(at.view.wish, at.now)
    )
    return Answer(response, session)
