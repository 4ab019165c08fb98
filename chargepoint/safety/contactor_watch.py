"""Watches for a contactor that opens although it is ordered closed. Pure; one sample is enough."""

from __future__ import annotations

from chargepoint.model.image import Contactor

SETTLE_S = 0.1
"""A closing contact may bounce this long (own rule). Afterwards one sample that shows it open counts."""


class ContactorWatch:
    """Answers each cycle whether the contactor opened without an order. Call `step` once each cycle.

    The watch begins when the contactor was seen closed for `SETTLE_S` without a break. It ends with the order to close.
    A contactor that is not known (`UNKNOWN`, the board is silent) has a fault of its own and counts neither way.

    `explained_within_s` above 0: a controller of the pilot switches the same coil. It opens when the car leaves C or loses its PWM,
    and may report that so much later. Only an opening that stays unexplained for that time counts.
    """

    def __init__(self, explained_within_s: float = 0.0) -> None:
        self._explained_within_s = explained_within_s
        self._unexplained_since_s: float | None = None
        self._closed_since_s: float | None = None
        self._settled = False
        self._opened = False

    def step(
        self, now_s: float, *, ordered: bool, contactor: Contactor, coil_on: bool | None, car_asks: bool = True
    ) -> bool:
        """True from the first sample that shows the contactor open, until the order to close is withdrawn.

        `coil_on` is the board's own word about its output: a coil that was off for a moment is an opening too, even if
        the mirror contacts had no time to follow. None: the board does not say.
        `car_asks`: the car is in C or D, by its last fresh reading, and is shown a PWM.
        """
        if self._explained_within_s > 0.0:
            return self._step_explained(now_s, ordered=ordered, contactor=contactor, car_asks=car_asks)
        return self._step(now_s, ordered=ordered, contactor=contactor, coil_on=coil_on)

    def _step_explained(self, now_s: float, *, ordered: bool, contactor: Contactor, car_asks: bool) -> bool:
        """Goes on after the order to close was withdrawn: the sequence withdraws it with the first sample that shows an opening."""
        seen = self._step(now_s, ordered=ordered, contactor=contactor, coil_on=None)
        if not car_asks:
            self._unexplained_since_s = None
            self._opened = self._settled = False
            return False
        if seen and self._unexplained_since_s is None:
            self._unexplained_since_s = now_s
        since_s = self._unexplained_since_s
        if since_s is None or now_s - since_s <= self._explained_within_s:
            return False
        if not ordered:
            self._unexplained_since_s = None
        return True

    def _step(self, now_s: float, *, ordered: bool, contactor: Contactor, coil_on: bool | None) -> bool:
        if not ordered:
            self._closed_since_s, self._settled, self._opened = None, False, False
            return False
        if contactor is Contactor.UNKNOWN:
            return self._opened
        if contactor is Contactor.CLOSED and coil_on is not False:
            if self._closed_since_s is None:
                self._closed_since_s = now_s
            self._settled = self._settled or now_s - self._closed_since_s >= SETTLE_S
        else:
            self._closed_since_s = None
            self._opened = self._opened or self._settled
        return self._opened
