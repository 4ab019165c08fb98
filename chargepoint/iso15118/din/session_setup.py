"""SessionSetup: the car names itself and gets a session. DIN knows no pause, so every session is new.

Source: docs/sources/iso15118-2-din.md 1.1 and 1.3.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.session_id import fresh_session_id
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import ResponseCode, SessionSetupReq, SessionSetupRes
from chargepoint.model.car import CarEvent, CarIdentified
from chargepoint.model.ids import EvseId

EVSE_ID_MAX_BYTES = 32
"""Of the schema, which EXI does not enforce."""


def respond(request: SessionSetupReq, session: DinSession, at: Situation) -> Answer[DinSession]:
    """A new session, whatever id the car sends: one zero byte, eight zero bytes, or none."""
    after = replace(
        session,
        state=DinState.SERVICE_DISCOVERY,
        session_id=fresh_session_id(at.random_bytes),
        evcc_id=request.EVCCID.hex().upper(),
    )
    return Answer(_response(ResponseCode.OK_NewSessionEstablished, at), after)


def refuse(_: SessionSetupReq, code: ResponseCode, __: DinSession, at: Situation) -> SessionSetupRes:
    """The response with this code."""
    return _response(code, at)


def learned(_: SessionSetupReq, __: DinSession, after: DinSession, at: Situation) -> tuple[CarEvent, ...]:
    """Who the car is, as it says itself."""
    return (CarIdentified(EvseId(at.settings.evse_id), after.evcc_id, after.session_id),)


def _response(code: ResponseCode, at: Situation) -> SessionSetupRes:
    """EVSEID is hexBinary in DIN: the bytes of the configured id."""
    evse_id = at.settings.evse_id_text.encode("ascii", "replace")[:EVSE_ID_MAX_BYTES]
    return SessionSetupRes(ResponseCode=code, EVSEID=evse_id, DateTimeNow=at.now.utc_s)
