"""A text stream that never waits for its reader: what does not fit now is lost and counted.

The power process writes its log to it. A full pipe or a stopped journal must not hold up a contactor's order.
"""

from __future__ import annotations

import os
import select

WRITE_MAX_BYTES = 4096
"""PIPE_BUF: a pipe that is ready takes so many bytes at once without waiting (pipe(7))."""


class NeverWaiting:
    """Writes to a descriptor while it is ready. Give it to `logging.StreamHandler`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = 0

    def write(self, text: str) -> int:
        """Write it now, or lose it. The first line after a loss says how many were lost."""
        if self._lost and self._ready():
            self._put(f"! {self._lost} lines lost: nobody read the log\n".encode())
            self._lost = 0
        data = text.encode(errors="replace")
        for begin in range(0, len(data), WRITE_MAX_BYTES):
            if not self._ready():
                self._lost += 1
                break
            self._put(data[begin : begin + WRITE_MAX_BYTES])
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def _ready(self) -> bool:
        try:
            return bool(select.select((), (self._descriptor,), (), 0.0)[1])
        except (OSError, ValueError):
            return False

    def _put(self, data: bytes) -> None:
        try:
            os.write(self._descriptor, data)
        except OSError:
            self._lost += 1
