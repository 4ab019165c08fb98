"""Life cycle towards systemd: ready, watchdog, stopping; fed by the loops themselves, never by a thread beside them."""

from __future__ import annotations

import os
import socket
import time


class Notifier:
    """sd_notify(3) over its datagram socket; silent where there is no systemd."""

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        env = dict(os.environ) if environ is None else environ
        address = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)
        watchdog_us = int(env.get("WATCHDOG_USEC", "0") or 0)
        self._beat_every_s = watchdog_us / 1e6 / 3
        self._next_beat_s = 0.0

    @property
    def beat_every_s(self) -> float:
        """How often `beat` must come at least; 0: no watchdog."""
        return self._beat_every_s

    def ready(self, status: str) -> None:
        """Start-up is done."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Shutting down on purpose."""
        self._tell("STOPPING=1")

    def beat(self) -> None:
        """Called by the loop each turn; sends at a third of the watchdog's time."""
        if self._socket is None or not self._beat_every_s:
            return
        now_s = time.monotonic()
        if now_s >= self._next_beat_s:
            self._next_beat_s = now_s + self._beat_every_s
            self._tell("WATCHDOG=1")

    def _tell(self, text: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError:
            return  # systemd will draw its own conclusion from silence
