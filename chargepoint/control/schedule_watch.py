"""Whether the schedule that the car plans with still fits what the station foresees. A core: time is a number.

A lower foreseen power is a reason to make a new schedule soon, a higher one is a reason once it has lasted.
Source: docs/sources/iso15118-20.md 4 (OCPP K16.FR.02: a changed charging profile leads to a renegotiation in Scheduled mode).
"""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.instant import Instant
from chargepoint.model.schedule_offer import ScheduleOffer

LESS_AFTER_S = 2.0
"""The schedule promises more than is foreseen: renegotiate when that has lasted this long. The loop's limits hold at once."""

MORE_AFTER_S = 10.0
"""More is foreseen than the schedule has: renegotiate when that has lasted this long."""

MORE_SHARE, MORE_W = 1.1, 500.0
"""More means at least this share and this power (W) above the schedule."""

EVERY_S = 1.0
PIECES_PER_COMPARISON = 100
"""A forecast of more pieces is made less often: one of a thousand pieces each 10 s. It would hold up the answers to cars."""

PAUSE_S, PAUSE_MAX_S = 60.0, 3600.0
"""The least time between two renegotiations that the station asks for. It doubles for a car that makes no new schedule."""

NOT_FOLLOWED_MAX = 10
"""More are not counted: the pause has reached its greatest length."""


class ScheduleWatch:
    """Watches one EVSE's offered schedule. Rules of the project, with the times above."""

    def __init__(self) -> None:
        self._offer: ScheduleOffer | None = None
        self._less_since_s: float | None = None
        self._more_since_s: float | None = None
        self._next_s = 0.0
        self._asked_s: float | None = None
        self._not_followed = 0

    def offered(self, offer: ScheduleOffer | None, now_s: float) -> None:
        """The car plans with this from now on; None: with nothing."""
        self._offer, self._less_since_s, self._more_since_s = offer, None, None
        self._next_s = now_s + EVERY_S
        self._not_followed = 0

    def due(self, now_s: float) -> bool:
        """It is time to compare again."""
        return self._offer is not None and now_s >= self._next_s

    def renegotiate(
        self, foreseen: Callable[[float], tuple[PowerPiece, ...]], now_with_car: PowerPiece, at: Instant
    ) -> bool:
        """Compare. True: ask the car for a renegotiation now.

        `foreseen(horizon_s)`: what the station could give any car from now on. `now_with_car`: what may flow to this car now.
        """
        offer, now_s, utc_s = self._offer, at.monotonic_s, at.utc.timestamp()
        if offer is None or utc_s >= offer.end_utc_s:
            return False
        pieces = foreseen(offer.end_utc_s - utc_s)
        self._next_s = now_s + EVERY_S * max(1.0, len(pieces) / PIECES_PER_COMPARISON)
        fits = offer.allowed_by(pieces, utc_s)
        planned = offer.at(utc_s)
        more = planned is not None and (
            now_with_car.charge_W > planned.charge_W * MORE_SHARE + MORE_W
            or now_with_car.discharge_W > planned.discharge_W * MORE_SHARE + MORE_W
        )
        self._less_since_s = None if fits else (now_s if self._less_since_s is None else self._less_since_s)
        self._more_since_s = None if not more else (now_s if self._more_since_s is None else self._more_since_s)
        less_lasts = self._less_since_s is not None and now_s - self._less_since_s >= LESS_AFTER_S
        more_lasts = self._more_since_s is not None and now_s - self._more_since_s >= MORE_AFTER_S
        if not (less_lasts or more_lasts):
            return False
        pause_s = min(PAUSE_S * 2 ** max(0, self._not_followed - 1), PAUSE_MAX_S)
        if self._asked_s is not None and now_s < self._asked_s + pause_s:
            return False
        self._asked_s, self._not_followed = now_s, min(self._not_followed + 1, NOT_FOLLOWED_MAX)
        return True
