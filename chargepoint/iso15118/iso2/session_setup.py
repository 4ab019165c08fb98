"""SessionSetup: the car names itself and gets a session, or goes on with the one that it paused.

Source: docs/sources/iso15118-2-din.md 1.1 and 1.2 («Resume»).
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.session_id import fresh_session_id
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2 import memory
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import ResponseCode, SessionSetupReq, SessionSetupRes
from chargepoint.model.car import CarEvent, CarIdentified
from chargepoint.model.ids import EvseId

EVCC_ID_BYTES = 6
"""Of the schema, which EXI does not enforce: a MAC address."""


def respond(request: SessionSetupReq, session: Iso2Session, at: Situation) -> Answer[Iso2Session]:
    """OK_OldSessionJoined for the id of the session that the car paused, while its transaction goes on ([753], [754]).

    Any other id gets a new session ([756]). A joined session goes through all messages again ([740]).
    """
    named = request.EVCCID[:EVCC_ID_BYTES].hex().upper()
    before = memory.recall(at)
    if before is not None:
        after = replace(before, state=Iso2State.SERVICE_DISCOVERY, evcc_id=named, joined=True)
        return Answer(_response(at, ResponseCode.OK_OldSessionJoined), after)
    after = replace(
        session, state=Iso2State.SERVICE_DISCOVERY, session_id=fresh_session_id(at.random_bytes), evcc_id=named
    )
    return Answer(_response(at, ResponseCode.OK_NewSessionEstablished), after)


def refuse(_: SessionSetupReq, code: ResponseCode, __: Iso2Session, at: Situation) -> SessionSetupRes:
    """The response with this code."""
    return _response(at, code)


def learned(_: SessionSetupReq, __: Iso2Session, after: Iso2Session, at: Situation) -> tuple[CarEvent, ...]:
    """Who the car is. It is known where it names the random id of its own session."""
    return (CarIdentified(EvseId(at.settings.evse_id), after.evcc_id, after.session_id, after.joined, after.joined),)


def _response(at: Situation, code: ResponseCode) -> SessionSetupRes:
    return SessionSetupRes(ResponseCode=code, EVSEID=at.settings.evse_id_text, EVSETimeStamp=at.now.utc_s)
