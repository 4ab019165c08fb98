"""DC_EVSEStatus in DIN's words. What is in it: `steps/dc_status.py`."""

from __future__ import annotations

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.messages.din70121 import DC_EVSEStatus, DC_EVSEStatusCode, EVSENotification, IsolationLevel
from chargepoint.iso15118.steps.dc_status import isolation, status_code


def dc_evse_status(session: DinSession, at: Situation, *, stopped: bool = False) -> DC_EVSEStatus:
    """`stopped`: the transfer is over, or the request is refused. A notification does not exist in DIN: it is always None, and
    EVSE_Shutdown is how the station asks for the end (V2G-DC-500, 636, 663)."""
    return DC_EVSEStatus(
        EVSEIsolationStatus=IsolationLevel(isolation(at, checked=session.isolation_checked).value),
        EVSEStatusCode=DC_EVSEStatusCode(status_code(at, stopped=stopped).value),
        NotificationMaxDelay=0,
        EVSENotification=EVSENotification.None_,
    )
