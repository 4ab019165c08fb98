"""A serial line that talks in lines of text: the bus kind of token readers.

Fulfils chargepoint.ports.Bus. Lines end with CR, LF or NUL; at most 64 are kept (the oldest give way), a line longer than
256 bytes is dropped.
"""

from __future__ import annotations

from collections import deque

from chargepoint.model.image import BusHealth
from chargepoint.ports import BusSpec
from drivers.socket_line import open_line
from drivers.tty import REOPEN_S, Gone, Line

_LONGEST = 256


class LineBus:
    """Opens in the first `pump`; reopens a lost adapter every second."""

    def __init__(self, spec: BusSpec) -> None:
        self.name = spec.name
        self.lines: deque[bytes] = deque(maxlen=64)
        self._spec = spec
        self._line: Line | None = None
        self._open_at_s = -1e9
        self._buffer = b""
        self._ok = 0
        self._dropped = 0
        self.last_error = ""

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while the adapter is unplugged."""
        return None if self._line is None else self._line.fd

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Read what is there; reopen a lost adapter when its time has come. Always True: what came was not looked at."""
        self._move(now_s)
        return True

    def _move(self, now_s: float) -> None:
        try:
            if self._line is None:
                if now_s < self._open_at_s:
                    return
                self._line = open_line(self._spec.port, self._spec.baud, self._spec.format, rs485=False)
            self._feed(self._line.read())
        except Gone as gone:
            self._lose(str(gone), now_s)

    @property
    def patience_s(self) -> float:
        """None: what is due here is due now."""
        return 0.0

    def drop_queued(self, now_s: float) -> None:
        """Nothing is ever sent here."""

    def _feed(self, data: bytes) -> None:
        if not data:
            return
        self._buffer += data.replace(b"\r", b"\n").replace(b"\0", b"\n")
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if len(line) > _LONGEST:
                self._dropped += 1
            elif line.strip():
                self._ok += 1
                self.lines.append(line.strip())
        if len(self._buffer) > _LONGEST:
            self._dropped += 1
            self._buffer = b""

    def _lose(self, error: str, now_s: float) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        self._buffer = b""
        self.last_error = error
        self._open_at_s = now_s + REOPEN_S

    @property
    def deadline_s(self) -> float | None:
        """When to try to reopen; None while the line is there."""
        return self._open_at_s if self._line is None else None

    def health(self) -> BusHealth:
        """Lines taken count as ok, lines dropped as mismatches."""
        return BusHealth(
            name=self.name,
            ok=self._ok,
            timeouts=0,
            crc_errors=0,
            mismatches=self._dropped,
            late=0,
            connected=self._line is not None,
            trouble="" if self._line is not None else self.last_error,
        )

    def close(self) -> None:
        """Give the descriptor back."""
        if self._line is not None:
            self._line.close()
            self._line = None
        self._open_at_s = float("inf")
