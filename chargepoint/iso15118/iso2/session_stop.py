"""SessionStop: the car leaves for good, or pauses. Real cars stop straight from the charge loop.

Source: docs/sources/iso15118-2-din.md 1.1 and 1.2.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import ChargingSession, ResponseCode, SessionStopReq, SessionStopRes
from chargepoint.iso15118.steps.pilot_at_rest import pilot_at_rest
from chargepoint.iso15118.steps.power_stop import stop_power
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, Step, UnderWay
from chargepoint.model.car import CarEvent, CarSessionEnded, SessionEnd, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish

_POWER_WAS_STOPPED = (Iso2State.WELDING_DETECTION, Iso2State.SESSION_STOP)


def respond(request: SessionStopReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """OK once no current flows, and at AC once the contactor is open. FAILED, which ends the session too, where that takes too long.

    Terminate comes in every state, also while another answer is held. Pause comes after PowerDelivery(Stop); FAILED before.
    """
    if request.ChargingSession is ChargingSession.Pause and session.state not in _POWER_WAS_STOPPED:
        return Refusal(ResponseCode.FAILED, "a pause comes after PowerDelivery(Stop)")
    match _stopped(request, session, at):
        case Impossible(hindrance, why, ours):
            return Refusal(ResponseCode.FAILED, why, ours, over=hindrance is Hindrance.PILOT)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer))
        case Reached(transfer):
            after = replace(session, state=Iso2State.ENDED, transfer=transfer)
            return Answer(SessionStopRes(ResponseCode=ResponseCode.OK), after)


def _stopped(request: SessionStopReq, session: Iso2Session, at: Situation) -> Step:
    """No current flows. A DC car that stopped the power in order and leaves for good shows pilot state B, too ([920] to [922])."""
    step = stop_power(session.transfer, at, is_ac=session.is_ac)
    leaves = request.ChargingSession is ChargingSession.Terminate
    if isinstance(step, Reached) and leaves and session.state is Iso2State.WELDING_DETECTION:
        return pilot_at_rest(step.transfer, at)
    return step


def refuse(_: SessionStopReq, code: ResponseCode, __: Iso2Session, ___: Situation) -> SessionStopRes:
    """The response with this code."""
    return SessionStopRes(ResponseCode=code)


def learned(request: SessionStopReq, _: Iso2Session, __: Iso2Session, at: Situation) -> tuple[CarEvent, ...]:
    """The wish of the station that the car follows with this message."""
    paused = request.ChargingSession is ChargingSession.Pause
    return (WishFollowed(EvseId(at.settings.evse_id), Wish.PAUSE if paused else Wish.TERMINATE),)


def ending(request: SessionStopReq, evse_id: EvseId) -> CarSessionEnded:
    """How the car ended its session. ISO 15118-2 gives no reason."""
    if request.ChargingSession is ChargingSession.Pause:
        return CarSessionEnded(evse_id, SessionEnd.PAUSED, "pause by the car")
    return CarSessionEnded(evse_id, SessionEnd.TERMINATED, "SessionStop by the car")
