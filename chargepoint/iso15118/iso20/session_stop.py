"""SessionStop: the car leaves for good, pauses, or wants other services. Source: docs/sources/iso15118-20.md 3 and 4."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import ChargingSession, SessionStopReq, SessionStopRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.steps.power_profile import SLACK_W
from chargepoint.iso15118.steps.transfer import NO_TRANSFER
from chargepoint.model.car import NOTHING_SAID, CarEvent, CarSessionEnded, ControlMode, SessionEnd, WishFollowed
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish

_POWER_WAS_STOPPED = (State.WELDING_DETECTION, State.SESSION_STOP)


def respond(request: SessionStopReq, session: Session, at: Situation) -> Reply[Session]:
    """Terminate is always answered with OK. Pause and service renegotiation come after PowerDelivery(Stop)."""
    match request.ChargingSession:
        case ChargingSession.Terminate:
            return _ok(replace(session, state=State.ENDED).within(phase=Phase.OFF), at)
        case ChargingSession.Pause:
            if (why := _pause_refused(session, at)) is not None:
                return Refusal(ResponseCode.FAILED_PauseNotAllowed, why)
            return _ok(replace(session, state=State.ENDED).within(phase=Phase.OFF), at)
        case ChargingSession.ServiceRenegotiation:
            if session.state not in _POWER_WAS_STOPPED:
                why = "service renegotiation comes after PowerDelivery(Stop)"
                return Refusal(ResponseCode.FAILED_NoServiceRenegotiationSupported, why)
            return _ok(_unselected(session), at)


def refuse(_: SessionStopReq, code: ResponseCode, session: Session, at: Situation) -> SessionStopRes:
    """The response with this code."""
    return SessionStopRes(**head(code, session, at))


def learned(request: SessionStopReq, _: Session, __: Session, at: Situation) -> tuple[CarEvent, ...]:
    """The wishes of the station that the car follows with this message."""
    followed = {
        ChargingSession.Pause: Wish.PAUSE,
        ChargingSession.ServiceRenegotiation: Wish.SERVICE_RENEGOTIATION,
        ChargingSession.Terminate: Wish.TERMINATE,
    }
    return (WishFollowed(EvseId(at.settings.evse_id), followed[request.ChargingSession]),)


def ending(request: SessionStopReq, evse_id: EvseId) -> CarSessionEnded:
    """How and why the car ended its session, with its EVTerminationCode and EVTerminationExplanation.

    Text of the car is quoted, and control characters in it are escaped. The schema bounds both texts (80 and 160 characters).
    """
    code, explanation = request.EVTerminationCode, request.EVTerminationExplanation
    reasons = [f"code {code[:80]!r}"] if code else []
    reasons += [f"explanation {explanation[:160]!r}"] if explanation else []
    paused = request.ChargingSession is ChargingSession.Pause
    text = "pause by the car" if paused else "SessionStop by the car"
    return CarSessionEnded(
        evse_id,
        SessionEnd.PAUSED if paused else SessionEnd.TERMINATED,
        text + (f": {', '.join(reasons)}" if reasons else ""),
    )


def _pause_refused(session: Session, at: Situation) -> str | None:
    """A car may pause when the station asked for it. In Scheduled mode also where its own profile plans 0 W now.

    V2G20-1195, V2G20-1198.
    """
    if session.state not in _POWER_WAS_STOPPED:
        return "a pause comes after PowerDelivery(Stop)"
    if at.view.wish is not None and at.view.wish.wish is Wish.PAUSE:
        return None
    if session.choice is not None and session.choice.control_mode is ControlMode.SCHEDULED:
        planned_W = None if session.profile is None else session.profile.power_at(at.now.utc_s)
        if planned_W is not None and abs(planned_W) <= SLACK_W:
            return None
        return "the station did not ask for a pause, and the car's profile does not plan 0 W now"
    return "the station did not ask for a pause"


def _unselected(session: Session) -> Session:
    """SessionID and authorisation stay, the selection goes (V2G20-1477)."""
    return replace(
        session,
        state=State.SERVICE_DISCOVERY,
        choice=None,
        added_services=(),
        limits=None,
        announced=None,
        offered=None,
        energy=NOTHING_SAID,
        schedule_round=session.schedule_round + 1,
        schedule=None,
        profile=None,
        joined=False,
        transfer=NO_TRANSFER,
    )


def _ok(session: Session, at: Situation) -> Answer[Session]:
    return Answer(SessionStopRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK), session)
