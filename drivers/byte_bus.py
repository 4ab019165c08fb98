"""A serial line that carries the bytes of one device: the bus kind of reader chips. Fulfils chargepoint.ports.Bus."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from chargepoint.model.image import BusHealth
from chargepoint.ports import BusSpec
from drivers.socket_line import open_line
from drivers.tty import REOPEN_S, Gone, Line

STALE_S = 0.2
"""Bytes whose decision is older than this are not written."""


class ByteDevice(Protocol):
    """The one device on the line."""

    answers: int
    unanswered: int
    refused: int

    @property
    def damaged(self) -> int:
        """Frames with a wrong checksum."""

    @property
    def deadline_s(self) -> float:
        """When `to_send` must be called even if nothing arrives."""

    def connected(self, now_s: float) -> None:
        """The line is there (again)."""

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the line."""

    def to_send(self, now_s: float) -> bytes:
        """What is to be sent now; perhaps nothing."""


class ByteBus:
    """Opens in the first `pump`; reopens a lost adapter every second. Wire errors are never exceptions."""

    def __init__(self, spec: BusSpec, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = spec.name
        self.device: ByteDevice | None = None
        self._spec = spec
        self._clock = clock
        self._line: Line | None = None
        self._open_at_s = -1e9
        self._last_error = ""

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while the adapter is unplugged."""
        return None if self._line is None else self._line.fd

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Read what is there, send what is due, reopen a lost adapter when its time has come. Always True: what came was not looked at."""
        self._move(now_s)
        return True

    def _move(self, now_s: float) -> None:
        try:
            if self._line is None:
                if now_s < self._open_at_s:
                    return
                self._line = open_line(self._spec.port, self._spec.baud, self._spec.format, rs485=False)
                self._line.read()
                if self.device is not None:
                    self.device.connected(now_s)
            data = self._line.read()
            if self.device is None:
                return
            if data:
                self.device.receive(data, now_s)
            frame = self.device.to_send(now_s)
            if frame and self._clock() - now_s <= STALE_S:
                self._line.write(frame)
        except Gone as gone:
            self._lose(str(gone), now_s)

    @property
    def patience_s(self) -> float:
        """None: what is due here is due now."""
        return 0.0

    def drop_queued(self, now_s: float) -> None:
        """Our own process stalled: what is not on the wire yet is forgotten; the device asks again."""
        if self._line is not None:
            self._line.drop_output()

    @property
    def deadline_s(self) -> float | None:
        """When `pump` must be called even if nothing arrives."""
        if self._line is None:
            return self._open_at_s
        return None if self.device is None else self.device.deadline_s

    def health(self) -> BusHealth:
        """Answers of the device, and what went wrong with them."""
        device = self.device
        return BusHealth(
            name=self.name,
            ok=0 if device is None else device.answers,
            timeouts=0 if device is None else device.unanswered,
            crc_errors=0 if device is None else device.damaged,
            mismatches=0 if device is None else device.refused,
            late=0,
            connected=self._line is not None,
            trouble="" if self._line is not None else self._last_error,
        )

    def close(self) -> None:
        """Give the descriptor back."""
        if self._line is not None:
            self._line.close()
            self._line = None
        self._open_at_s = float("inf")

    def _lose(self, error: str, now_s: float) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        self._last_error = error
        self._open_at_s = now_s + REOPEN_S
