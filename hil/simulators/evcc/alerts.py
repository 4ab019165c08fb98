"""The alert of a failed TLS handshake reaches the station. asyncio drops it, and no car does."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any


def send_alerts(context: ssl.SSLContext, raw: socket.socket) -> None:
    """The next handshake of this context goes over `raw`: where it fails, what TLS has to say about it is sent there."""

    class Alerting(ssl.SSLObject):
        _outgoing: ssl.MemoryBIO

        @classmethod
        def _create(cls, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **options: Any) -> ssl.SSLObject:
            made: Alerting = super()._create(incoming, outgoing, *args, **options)  # type: ignore[misc]
            made._outgoing = outgoing
            return made

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    raw.send(self._outgoing.read())
                raise

    context.sslobject_class = Alerting
