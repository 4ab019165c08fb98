"""Watches for a contactor that opens although it is ordered closed. Pure; one sample is enough."""

from __future__ import annotations

from chargepoint.model.image import Contactor

SETTLE_S = 0.1
"""A closing contact may bounce this long (own rule). Afterwards one sample that shows it open counts."""


class ContactorWatch:
    """Answers each cycle whether the contactor opened without an order. Call `step` once each cycle.

    The watch begins when the contactor was seen closed for `SETTLE_S` without a break. It ends with the order to close.
    A contactor that is not known (`UNKNOWN`, the board is silent) has a fault of its own and counts neither way.
    """

    def __init__(self) -> None:
        self._closed_since_s: float | None = None
        self._settled = False
        self._opened = False

    def step(self, now_s: float, *, ordered: bool, contactor: Contactor, coil_on: bool | None) -> bool:
        """True from the first sample that shows the contactor open, until the order to close is withdrawn.

        `coil_on` is the board's own word about its output: a coil that was off for a moment is an opening too, even if
        the mirror contacts had no time to follow. None: the board does not say.
        """
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
