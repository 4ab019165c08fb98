"""SessionStop: the car leaves, from whatever step. Source: docs/sources/iso15118-2-din.md 1.1 (real cars stop straight from the loop)."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import ResponseCode, SessionStopReq, SessionStopRes
from chargepoint.iso15118.steps.pilot_at_rest import pilot_at_rest
from chargepoint.iso15118.steps.power_stop import stop_power
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, UnderWay
from chargepoint.model.car import CarEvent, CarSessionEnded, SessionEnd, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish


def respond(_: SessionStopReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """OK once no current flows: a car with its OK opens its contactors. FAILED where the current does not end in time.

    After PowerDelivery(false) the pilot shows B, too (V2G-DC-556); FAILED where it does not in time, and the car has left all the same.
    """
    step = stop_power(session.transfer, at, is_ac=False)
    if isinstance(step, Reached) and session.state is DinState.WELDING_DETECTION:
        step = pilot_at_rest(step.transfer, at)
    match step:
        case Impossible(hindrance, why, ours):
            return Refusal(ResponseCode.FAILED, why, ours, over=hindrance is Hindrance.PILOT)
        case UnderWay(transfer):
            return Later(replace(session, transfer=transfer))
        case Reached(transfer):
            after = replace(session, state=DinState.ENDED, transfer=transfer)
            return Answer(SessionStopRes(ResponseCode=ResponseCode.OK), after)


def refuse(_: SessionStopReq, code: ResponseCode, __: DinSession, ___: Situation) -> SessionStopRes:
    """The response with this code."""
    return SessionStopRes(ResponseCode=code)


def learned(_: SessionStopReq, __: DinSession, ___: DinSession, at: Situation) -> tuple[CarEvent, ...]:
    """The car does what the station may have asked for."""
    return (WishFollowed(EvseId(at.settings.evse_id), Wish.TERMINATE),)


def ending(evse_id: EvseId) -> CarSessionEnded:
    """DIN gives no reason, and knows no pause."""
    return CarSessionEnded(evse_id, SessionEnd.TERMINATED, "SessionStop by the car")
