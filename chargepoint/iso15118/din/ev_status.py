"""DC_EVStatus: what the car says of itself in each DC request.

EVReady is not looked at: cars send false until they close their contactor (docs/sources/iso15118-2-din.md 7).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.messages.din70121 import DC_EVErrorCode, DC_EVStatus
from chargepoint.model.car import CarEvent, CarRemark
from chargepoint.model.ids import EvseId


def heard(session: DinSession, status: DC_EVStatus) -> DinSession:
    """The session with the state of charge and the error of this message."""
    energy = replace(session.energy, soc_percent=float(status.EVRESSSOC))
    return replace(session, energy=energy, ev_error=status.EVErrorCode)


def learned(_request: Any, before: DinSession, after: DinSession, at: Situation) -> tuple[CarEvent, ...]:
    """One sentence where the car reports another error than before. The car ends the charge itself: an error is no reason to fail."""
    if after.ev_error is before.ev_error or after.ev_error is DC_EVErrorCode.NO_ERROR:
        return ()
    return (CarRemark(EvseId(at.settings.evse_id), f"the car reports {after.ev_error.value}"),)
