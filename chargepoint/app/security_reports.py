"""Failed handshakes with cars become security events of the central system. A shell: it starts the sending and keeps its tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chargepoint.ports import Clock
from chargepoint.security.handshake import HandshakeFailure, SecurityEventBound


class SecurityReports:
    """`handshake_failed` is called by the TLS side; `send` stores a security event with its type and its text."""

    def __init__(self, send: Callable[[str, str], Awaitable[None]], clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._bound = SecurityEventBound()
        self._tasks: set[asyncio.Task[None]] = set()

    def handshake_failed(self, failure: HandshakeFailure) -> None:
        """Sends an event where the failure is worth one, at most one of each type a minute. Call it inside the event loop."""
        kind = self._bound.admit(failure, self._clock.monotonic_s())
        if kind is not None:
            task = asyncio.get_running_loop().create_task(self._deliver(kind, failure.sentence))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, kind: str, text: str) -> None:
        await self._send(kind, text)
