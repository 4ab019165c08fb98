"""Authorization by external means. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.row import Answer, Later, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import AuthorizationReq, AuthorizationRes, EVSEProcessing, ResponseCode
from chargepoint.iso15118.steps.external_means import Decision, decided


def respond(_: AuthorizationReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Ongoing_WaitingForCustomerInteraction until the station decided ([854]); Finished with OK when it is positive ([856]).

    FAILED where it is negative. The connection stays, so that the car ends its session in order, or asks again for another card.
    """
    since_s = session.external_means_since_s
    decision = decided(since_s, at)
    if decision is Decision.GRANTED:
        after = replace(session, state=Iso2State.CHARGE_PARAMETER_DISCOVERY, external_means_since_s=None)
        return Answer(_response(ResponseCode.OK), after)
    if decision is Decision.REFUSED:
        return _refused(session, "the card is refused, or this outlet cannot charge")
    waiting = replace(session, external_means_since_s=at.now.monotonic_s if since_s is None else since_s)
    if not at.time_is_up:
        return Later(waiting, hold_s=ONGOING_PACE_S)
    if decision is Decision.TOO_LATE:
        return _refused(waiting, decision.value)
    return Answer(_response(ResponseCode.OK, EVSEProcessing.Ongoing_WaitingForCustomerInteraction), waiting)


def refuse(_: AuthorizationReq, code: ResponseCode, __: Iso2Session, ___: Situation) -> AuthorizationRes:
    """The response with this code."""
    return _response(code)


def _refused(session: Iso2Session, why: str) -> Answer[Iso2Session]:
    """One line in the log, however often the car asks again."""
    text = f"authorisation: {why}; the car is answered FAILED"
    said = session.remark is not None and session.remark.text == text
    return Answer(_response(ResponseCode.FAILED), session if said else replace(session, remark=Remark(text)))


def _response(code: ResponseCode, processing: EVSEProcessing = EVSEProcessing.Finished) -> AuthorizationRes:
    return AuthorizationRes(ResponseCode=code, EVSEProcessing=processing)
