"""SessionSetup: the car names itself and gets a session, or goes on with the one that was kept for it.

Source: docs/sources/iso15118-20.md 2.1 and 3.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.session_id import fresh_session_id
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20 import memory
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import SessionSetupReq, SessionSetupRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import CarEvent, CarIdentified
from chargepoint.model.ids import EvseId
from chargepoint.security.resume_binding import is_same_car

EVCCID_MAX_CHARACTERS = 255
"""Of the schema, which EXI does not enforce; the name goes to journal and page, so nothing unprintable either."""


def respond(request: SessionSetupReq, session: Session, at: Situation) -> Answer[Session]:
    """OK_OldSessionJoined for the car whose session is kept; else a new session, whatever id the car asks for (V2G20-2626).

    The kept session is a part of the transaction that runs now: no session outlives its transaction.

    A joined session goes straight to ChargeParameterDiscovery (V2G20-1032).
    """
    named = "".join(c if c.isprintable() else "?" for c in request.EVCCID[:EVCCID_MAX_CHARACTERS])
    kept = at.kept
    if kept is not None and _is_back(kept, request, at) and (before := memory.recall(kept, at)) is not None:
        after = replace(before, state=State.CHARGE_PARAMETER_DISCOVERY, evcc_id=named, joined=True)
        return Answer(_response(after, at, ResponseCode.OK_OldSessionJoined), after)
    after = replace(
        session, state=State.AUTHORIZATION_SETUP, session_id=fresh_session_id(at.random_bytes), evcc_id=named
    )
    return Answer(_response(after, at, ResponseCode.OK_NewSessionEstablished), after)


def refuse(_: SessionSetupReq, code: ResponseCode, session: Session, at: Situation) -> SessionSetupRes:
    """The response with this code."""
    return SessionSetupRes(**head(code, session, at), EVSEID=at.settings.evse_id_text)


def learned(_: SessionSetupReq, __: Session, after: Session, at: Situation) -> tuple[CarEvent, ...]:
    """Who the car is. It is known where its certificate is that of the kept session, whatever session id it asks for."""
    kept = at.kept
    known = kept is not None and is_same_car(kept.binding, kept.session_id, at.peer.leaf)
    return (CarIdentified(EvseId(at.settings.evse_id), after.evcc_id, after.session_id, after.joined, known),)


def _response(after: Session, at: Situation, code: ResponseCode) -> SessionSetupRes:
    return SessionSetupRes(Header=after.header(at.now), ResponseCode=code, EVSEID=at.settings.evse_id_text)


def _is_back(kept: KeptSession, request: SessionSetupReq, at: Situation) -> bool:
    """The id is that of the kept session, the certificate is that of its car (V2G20-2545), and its transaction goes on."""
    if kept.transaction_id != at.view.transaction_id:
        return False
    same_id = hmac.compare_digest(request.Header.SessionID, kept.session_id)
    return same_id and is_same_car(kept.binding, kept.session_id, at.peer.leaf)
