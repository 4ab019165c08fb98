"""DC_EVSEStatus of ISO 15118-2 and DIN 70121: what the station says of itself in each DC answer.

Source: docs/sources/iso15118-2-din.md 1.2, «DC_EVSEStatus by step».
"""

from __future__ import annotations

from enum import Enum

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.model.station_view import Wish


class StatusCode(Enum):
    """DC_EVSEStatusCode by the names of both schemas."""

    READY = "EVSE_Ready"
    SHUTDOWN = "EVSE_Shutdown"
    EMERGENCY_SHUTDOWN = "EVSE_EmergencyShutdown"
    MALFUNCTION = "EVSE_Malfunction"


class Isolation(Enum):
    """EVSEIsolationStatus by the names of both schemas."""

    INVALID = "Invalid"
    VALID = "Valid"
    FAULT = "Fault"


def status_code(at: Situation, *, stopped: bool = False) -> StatusCode:
    """`stopped`: the car stopped the transfer. EVSE_NotReady is never sent: cars left for it. EVSE_Shutdown is also how the
    station ends the session of a car that knows no notification (DIN)."""
    if at.view.emergency:
        return StatusCode.EMERGENCY_SHUTDOWN
    if at.view.capabilities is None:
        return StatusCode.MALFUNCTION
    if stopped or ends(at):
        return StatusCode.SHUTDOWN
    return StatusCode.READY


def ends(at: Situation) -> bool:
    """The station wants this car to stop. DIN and -2 know no pause that the station asks for: it stops, too."""
    return at.view.wish is not None and at.view.wish.wish in (Wish.TERMINATE, Wish.PAUSE)


def isolation(at: Situation, *, checked: bool) -> Isolation:
    """`checked`: the cable check of this session is finished."""
    if at.view.cable_check_failed:
        return Isolation.FAULT
    return Isolation.VALID if checked else Isolation.INVALID
