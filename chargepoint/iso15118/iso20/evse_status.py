"""EVSEStatus: what the station asks the car to do, in responses that have room for it.

Source: docs/sources/iso15118-20.md 1.4, 3 and 4. `EvseNotification` has no «None»: without a wish there is no EVSEStatus.
"""

from __future__ import annotations

import math

from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.messages.common_types import EvseNotification, EVSEStatus
from chargepoint.model.station_view import Wish, WishForCar

TERMINATE = EVSEStatus(NotificationMaxDelay=0, EVSENotification=EvseNotification.Terminate)
"""End now."""

_NOTIFICATIONS = {
    Wish.TERMINATE: EvseNotification.Terminate,
    Wish.PAUSE: EvseNotification.Pause,
    Wish.EXIT_STANDBY: EvseNotification.ExitStandby,
    Wish.SERVICE_RENEGOTIATION: EvseNotification.ServiceRenegotiation,
    Wish.SCHEDULE_RENEGOTIATION: EvseNotification.ScheduleRenegotiation,
    Wish.METERING_CONFIRMATION: EvseNotification.MeteringConfirmation,
}


def evse_status(wish: WishForCar | None, now: Now) -> EVSEStatus | None:
    """The wish with the seconds that remain for it (V2G20-1850: the number counts down); None without a wish."""
    if wish is None:
        return None
    remaining_s = max(0, min(math.ceil(wish.until_s - now.monotonic_s), 65_535))
    return EVSEStatus(NotificationMaxDelay=remaining_s, EVSENotification=_NOTIFICATIONS[wish.wish])
