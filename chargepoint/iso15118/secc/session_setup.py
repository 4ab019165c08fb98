"""SessionSetup: the car names itself and gets a session."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import SessionSetupReq, SessionSetupRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, SeccSettings, Session
from chargepoint.iso15118.secc.state import State

EVCCID_MAX_CHARACTERS = 255
"""Of the schema, which EXI does not enforce; the name goes to journal and page, so nothing unprintable either."""


def respond(
    request: SessionSetupReq, session: Session, settings: SeccSettings, fresh_session_id: bytes, now: Now
) -> Answer:
    """A new session; an old one is never joined (pause is not offered, so there is none to resume)."""
    named = "".join(c if c.isprintable() else "?" for c in request.EVCCID[:EVCCID_MAX_CHARACTERS])
    after = replace(session, state=State.AUTHORIZATION_SETUP, session_id=fresh_session_id, evcc_id=named)
    response = SessionSetupRes(
        Header=after.header(now), ResponseCode=ResponseCode.OK_NewSessionEstablished, EVSEID=settings.evse_id_text
    )
    return Answer(response, after)
