"""Authorization: external means, or a contract certificate. Source: docs/sources/iso15118-20.md 2.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refused, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import Authorization, AuthorizationReq, AuthorizationRes
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode


def respond(request: AuthorizationReq, session: Session, at: Situation) -> Reply[Session]:
    """Ongoing until the station decided; a refusal is a warning, after which the car may ask again (V2G20-2226)."""
    body = replace(request, Header=session.header(at.now))
    if session.awaited_authorization is not None and _unlike(session.awaited_authorization, request):
        return Refused(ResponseCode.FAILED_SequenceError, "it repeats its request with other content")  # V2G20-1582
    if request.SelectedAuthorizationService is not Authorization.EIM or request.EIM_AReqAuthorizationMode is None:
        return _finished(session, at, ResponseCode.WARNING_AuthorizationSelectionInvalid)
    if at.view.authorized is None:
        if not at.time_is_up:
            return Later(session, hold_s=ONGOING_PACE_S)
        after = replace(session, awaited_authorization=body)
        return Answer(_response(after, at, Processing.Ongoing_WaitingForCustomerInteraction), after)
    if not at.view.authorized:
        return _finished(session, at, ResponseCode.WARNING_EIMAuthorizationFailure)
    after = replace(
        session,
        state=State.SERVICE_DISCOVERY,
        authorized_with=Authorization.EIM,
        gen_challenge=b"",
        awaited_authorization=None,
    )
    return Answer(_response(after, at), after)


def refuse(_: AuthorizationReq, code: ResponseCode, session: Session, at: Situation) -> AuthorizationRes:
    """The response with this code."""
    return AuthorizationRes(**head(code, session, at), EVSEProcessing=Processing.Finished)


def _unlike(before: object, request: AuthorizationReq) -> bool:
    return isinstance(before, AuthorizationReq) and replace(request, Header=before.Header) != before


def _finished(session: Session, at: Situation, warning: ResponseCode) -> Answer[Session]:
    after = replace(session, awaited_authorization=None)
    return Answer(_response(after, at, code=warning), after)


def _response(
    session: Session,
    at: Situation,
    processing: Processing = Processing.Finished,
    code: ResponseCode = ResponseCode.OK,
) -> AuthorizationRes:
    return AuthorizationRes(Header=session.header(at.now), ResponseCode=code, EVSEProcessing=processing)
