"""Requests of a Modbus RTU master, cut out of the bytes of a real line, where they come in pieces.

A request is complete when it has the length that its function gives it and its check sum is right. Bytes that make no request are
dropped after a silence, as a device does (Modbus over serial line 1.02, 2.5.1.1: 3.5 characters; here longer, for USB adapters hold bytes back).
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.simulators.modbus_frames import SHORTEST, check_sum

SILENCE_S = 0.02
LONGEST = 256
_FIXED = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8}
_COUNTED = {15: 6, 16: 6, 23: 10}
"""Function -> place of the byte that counts the data bytes."""


@dataclass(slots=True)
class RequestFrames:
    """One line. `now_s` never goes back."""

    _buffer: bytes = b""
    _last_s: float = -1e9

    def feed(self, data: bytes, now_s: float) -> list[bytes]:
        """The requests that are complete with these bytes."""
        if now_s - self._last_s > SILENCE_S:
            self._buffer = b""
        self._last_s = now_s
        self._buffer += data
        frames = []
        while (frame := self._first()) is not None:
            frames.append(frame)
            self._buffer = self._buffer[len(frame) :]
        self._buffer = self._buffer[-LONGEST:]
        return frames

    def _first(self) -> bytes | None:
        buffer = self._buffer
        length = _length(buffer)
        if length is None:  # a function that we do not know: whatever has a check sum is one
            length = next((end for end in range(SHORTEST, len(buffer) + 1) if _right(buffer[:end])), len(buffer) + 1)
        if len(buffer) < length:
            return None
        if not _right(buffer[:length]):
            self._buffer = b""
            return None
        return buffer[:length]


def _right(frame: bytes) -> bool:
    return check_sum(frame[:-2]) == frame[-2:]


def _length(buffer: bytes) -> int | None:
    """Bytes of the request that begins here, as far as it is there; None for a function that we do not know."""
    if len(buffer) < 2:
        return SHORTEST
    function = buffer[1]
    if function in _FIXED:
        return _FIXED[function]
    if function not in _COUNTED:
        return None
    place = _COUNTED[function]
    return place + 3 + (buffer[place] if len(buffer) > place else 0)
