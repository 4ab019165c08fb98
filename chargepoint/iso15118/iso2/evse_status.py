"""AC_EVSEStatus and DC_EVSEStatus: what the station is, and what it asks the car to do.

Source: docs/sources/iso15118-2-din.md 1.2 («DC_EVSEStatus by step», «EVSENotification»).
"""

from __future__ import annotations

import math

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import (
    AC_EVSEStatus,
    DC_EVSEStatus,
    DC_EVSEStatusCode,
    EVSENotification,
    IsolationLevel,
)
from chargepoint.iso15118.steps import dc_status
from chargepoint.model.station_view import Wish

NOTIFICATION_DELAY_MAX_S = 65_535

_NOTIFICATIONS = {
    Wish.TERMINATE: EVSENotification.StopCharging,
    Wish.PAUSE: EVSENotification.StopCharging,
    Wish.SCHEDULE_RENEGOTIATION: EVSENotification.ReNegotiation,
    Wish.SERVICE_RENEGOTIATION: EVSENotification.ReNegotiation,
}
"""ISO 15118-2 knows no pause that the station asks for: the car stops. It knows no other wish."""


def dc_evse_status(session: Iso2Session, at: Situation, *, stopped: bool = False) -> DC_EVSEStatus:
    """`stopped`: the transfer is over, by the car or by a response that ends the session."""
    notification, delay_s = _notification(at)
    return DC_EVSEStatus(
        NotificationMaxDelay=delay_s,
        EVSENotification=notification,
        EVSEIsolationStatus=IsolationLevel(dc_status.isolation(at, checked=session.cable_checked).value),
        EVSEStatusCode=DC_EVSEStatusCode(dc_status.status_code(at, stopped=stopped).value),
    )


def ac_evse_status(at: Situation, *, stopped: bool = False) -> AC_EVSEStatus:
    """`stopped`: by a response that ends the session: the car shall stop at once."""
    notification, delay_s = (EVSENotification.StopCharging, 0) if stopped else _notification(at)
    return AC_EVSEStatus(NotificationMaxDelay=delay_s, EVSENotification=notification, RCD=at.view.residual_current)


def evse_status(session: Iso2Session, at: Situation, *, stopped: bool = False) -> AC_EVSEStatus | DC_EVSEStatus:
    """The status of this kind of outlet."""
    return ac_evse_status(at, stopped=stopped) if at.settings.is_ac else dc_evse_status(session, at, stopped=stopped)


def _notification(at: Situation) -> tuple[EVSENotification, int]:
    """What the station asks for, and in how many seconds at most; the number counts down."""
    wish = at.view.wish
    if wish is None or wish.wish not in _NOTIFICATIONS:
        return EVSENotification.None_, 0
    remaining_s = math.ceil(wish.until_s - at.now.monotonic_s)
    return _NOTIFICATIONS[wish.wish], max(0, min(remaining_s, NOTIFICATION_DELAY_MAX_S))
