"""The words of the local command for what the station may ask of a car."""

from __future__ import annotations

from chargepoint.model.station_view import Wish

WISHES = {
    "pause": Wish.PAUSE,
    "exit-standby": Wish.EXIT_STANDBY,
    "service-renegotiation": Wish.SERVICE_RENEGOTIATION,
    "schedule-renegotiation": Wish.SCHEDULE_RENEGOTIATION,
    "metering-confirmation": Wish.METERING_CONFIRMATION,
    "nothing": None,
}
"""What the local command may ask of a car. «nothing» withdraws a wish, and calls a paused car back."""
