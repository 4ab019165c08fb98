"""Times one trip on the wire of a pilot/IO board: from an input that opens to the order that opens the contactor."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hil.plant.board import CONTACTOR

TRIPS_KEPT = 256
_INPUTS, _DOOR = 13, 2
_REQUEST_AT = {(16, 19): 13, (23, 23): 17}
"""(function, length) of a write of registers 100 to 104: where register 103 begins."""


@dataclass(frozen=True, slots=True)
class Trip:
    """Monotonic seconds: the input opened; the last byte of the reply that says so could be read; the first byte of the order came.

    `replied_s` None: the order came before any such reply.
    """

    opened_s: float
    replied_s: float | None
    ordered_s: float


class TripWatch:
    """Observer of one wire. `arm` opens the input after a while; `trips` holds what followed, once the order was seen."""

    def __init__(self, unit: int, open_input: Callable[[], None], now: Callable[[], float]) -> None:
        self.trips: deque[Trip] = deque(maxlen=TRIPS_KEPT)
        self._unit = unit
        self._open_input = open_input
        self._now = now
        self._opened_s: float | None = None
        self._replied_s: float | None = None

    def arm(self, delay_s: float) -> None:
        """Open the input in `delay_s` seconds."""
        asyncio.get_running_loop().call_later(delay_s, self._open)

    def _open(self) -> None:
        self._open_input()
        self._opened_s, self._replied_s = self._now(), None

    def requested(self, frame: bytes, at_s: float) -> None:
        """An order without the contactor ends the trip."""
        if self._opened_s is None or frame[0] != self._unit:
            return
        at = _REQUEST_AT.get((frame[1], len(frame)))
        if at is None or struct.unpack_from(">H", frame, at)[0] & CONTACTOR:
            return
        self.trips.append(Trip(self._opened_s, self._replied_s, at_s))
        self._opened_s = None

    def replied(self, frame: bytes, at_s: float) -> None:
        """The first reply that shows the open input is the one that the order answers."""
        if self._opened_s is None or self._replied_s is not None or frame[0] != self._unit:
            return
        if frame[1] in (4, 23) and len(frame) in (53, 29):
            first = 0 if len(frame) == 53 else 3
            if not struct.unpack_from(">H", frame, 3 + 2 * (_INPUTS - first))[0] & _DOOR:
                self._replied_s = at_s
