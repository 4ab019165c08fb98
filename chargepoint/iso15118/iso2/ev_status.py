"""DC_EVStatus: what the car says of itself in each DC request.

EVReady is not looked at: cars send false until they close their contactor (docs/sources/iso15118-2-din.md 7).
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import DC_EVErrorCode, DC_EVStatus


def heard(session: Iso2Session, status: DC_EVStatus) -> Iso2Session:
    """The session with the state of charge and the error of this message. Another error than before is a line in the log."""
    found = replace(session, energy=replace(session.energy, soc_percent=float(status.EVRESSSOC)))
    if status.EVErrorCode is session.ev_error:
        return found
    found = replace(found, ev_error=status.EVErrorCode)
    if status.EVErrorCode is DC_EVErrorCode.NO_ERROR:
        return found
    return replace(found, remark=Remark(f"the car reports {status.EVErrorCode.value}"))
