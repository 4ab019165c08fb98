"""The central system's clock: what must be added to the station's UTC to get it. B01.FR.06, G02.FR.06."""

from __future__ import annotations

from datetime import timedelta

from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.timestamps import from_answer

PLAUSIBLE_UTC_S = (1_577_836_800.0, 4_102_444_800.0)
"""2020-01-01 to 2100-01-01."""

OFFSET_MIN_S = 1.0
"""A smaller offset is the network's share, and is not corrected."""


class CentralClock:
    """The offset as last learned. A core."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def learn(self, current_time: str, own: Moment) -> None:
        """Take a `currentTime`; `own` is the station's own moment of its arrival.

        A time no station can live in (`PLAUSIBLE_UTC_S`) is not taken: what is billed would carry it.
        """
        utc_s = from_answer(current_time).timestamp()
        if PLAUSIBLE_UTC_S[0] <= utc_s < PLAUSIBLE_UTC_S[1]:
            self.offset_s = utc_s - own.utc_s

    @property
    def correction(self) -> timedelta:
        """What the station's UTC lacks; zero below `OFFSET_MIN_S`."""
        return timedelta(seconds=self.offset_s) if abs(self.offset_s) >= OFFSET_MIN_S else timedelta()

    def at(self, own: Moment) -> Moment:
        """The station's moment on the central system's clock."""
        return Moment(own.monotonic_s, own.utc_s + self.correction.total_seconds())
