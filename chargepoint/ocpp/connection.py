"""One WebSocket connection to the central system: moves frames between the socket and the RPC core.

Owns the queue of our CALLs (one on the wire at a time, in the order they were handed in) and their deadlines. Lives as
long as the socket; `client` makes the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from chargepoint.ocpp.rpc import (
    AnswerRefused,
    CallFailed,
    CallReceived,
    CallTimedOut,
    PeerFault,
    ResultReceived,
    Rpc,
    RpcEvent,
)
from chargepoint.ports import Clock

CALLS_MAX = 64
"""CALLs waiting for their turn; a caller beyond that waits to hand in."""

SILENT_CALLS_MAX = 3
"""After so many unanswered CALLs in a row the connection is given up."""


class ConnectionLost(Exception):
    """The socket is gone; what was on its way may or may not have arrived."""


Outcome = ResultReceived | CallFailed | CallTimedOut


def failure(outcome: Outcome) -> str:
    """Why our CALL came to nothing, for people; empty where it was answered well."""
    match outcome:
        case ResultReceived(violation=None):
            return ""
        case ResultReceived(violation=violation):
            return f"the central system's answer breaks its schema: {violation}"
        case CallFailed(code=code, text=text):
            return f"the central system answered with an error: {code} {text}".rstrip()
        case CallTimedOut():
            return "the central system did not answer in time"


Take = Callable[[Outcome], Awaitable[None]]
"""What an outcome means is settled before the next frame is read: the central system's frames count in their order."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    unique_id: str
    action: str
    text: str
    take: Take
    outcome: asyncio.Future[Outcome]


class Connection:
    """Use `run` in a task, and `call` from others. `on_call` answers a CALL by `respond`; `on_call`, `on_fault` and `take` must not await `call`."""

    def __init__(
        self,
        socket: ClientConnection,
        rpc: Rpc,
        clock: Clock,
        log: logging.Logger,
        on_call: Callable[[CallReceived], Awaitable[None]],
        on_fault: Callable[[PeerFault], Awaitable[None]],
        send_timeout_s: float,
    ) -> None:
        self._socket = socket
        self._rpc = rpc
        self._clock = clock
        self._log = log
        self._on_call = on_call
        self._on_fault = on_fault
        self._send_timeout_s = send_timeout_s
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(CALLS_MAX)
        self._on_wire: _Waiting | None = None
        self._lost = False
        self._silent = 0
        self.why_lost = ""
        """Set when the connection has ended: the cause, not its consequences."""

    async def run(self) -> None:
        """Until the socket is gone: always ends with ConnectionLost (or CancelledError)."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(), name="ocpp-read")
                group.create_task(self._send_calls(), name="ocpp-send")
        except* (ConnectionLost, ConnectionClosed, TimeoutError) as group_error:
            self.why_lost = str(group_error.exceptions[0]) or type(group_error.exceptions[0]).__name__
            raise ConnectionLost(self.why_lost) from None
        finally:
            self._lose()

    async def call(self, unique_id: str, action: str, text: str, take: Take) -> Outcome:
        """Send a CALL when its turn has come and wait for what becomes of it; `take` was awaited before. Raises ConnectionLost."""
        if self._lost:
            raise ConnectionLost(f"{action}: not connected")
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Waiting(unique_id, action, text, take, outcome))
        if self._lost:
            raise ConnectionLost(f"{action}: not connected")
        return await outcome

    async def flush(self) -> None:
        """Send what the RPC core has to say."""
        for frame in self._rpc.to_send():
            async with asyncio.timeout(self._send_timeout_s):
                await self._socket.send(frame)

    async def close(self) -> None:
        """Close in order; waits a little for the peer's part of it."""
        await self._socket.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async for frame in self._socket:
            for event in self._rpc.receive(frame, self._clock.monotonic_s()):
                await self._happened(event)
            await self.flush()
        raise ConnectionLost(f"closed by the central system ({self._socket.close_code})")

    async def _send_calls(self) -> None:
        while True:
            waiting = await self._queue.get()
            if waiting.outcome.cancelled():
                continue
            settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            self._on_wire = replace(waiting, outcome=settled)
            try:
                self._rpc.call(waiting.unique_id, waiting.action, waiting.text, self._clock.monotonic_s())
                deadline_s = self._rpc.deadline_s or 0.0
                await self.flush()
                await asyncio.wait({settled}, timeout=max(0.0, deadline_s - self._clock.monotonic_s()))
                if not settled.done():
                    for event in self._rpc.tick(max(deadline_s, self._clock.monotonic_s())):
                        await self._happened(event)
                outcome = await settled  # at once, or when the answer that came at the last moment has been taken
            except BaseException:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(ConnectionLost(f"{waiting.action}: the connection was lost"))
                    waiting.outcome.exception()  # nobody may be waiting any more
                raise
            self._on_wire = None
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)
            self._silent = self._silent + 1 if isinstance(outcome, CallTimedOut) else 0
            if self._silent >= SILENT_CALLS_MAX:
                raise ConnectionLost(f"{self._silent} messages in a row were not answered")

    async def _happened(self, event: RpcEvent) -> None:
        match event:
            case CallReceived():
                await self._on_call(event)
            case ResultReceived() | CallFailed() | CallTimedOut():
                if self._on_wire is not None and not self._on_wire.outcome.done():
                    settled = self._on_wire.outcome
                    await self._on_wire.take(event)
                    if not settled.done():
                        settled.set_result(event)
            case AnswerRefused(code=code, text=text):
                self._log.warning("! the central system cannot use our answer: %s %s", code, text)
            case PeerFault(text=text, answered=answered, kind=kind):
                done = "answered with CALLERROR" if answered else "dropped"
                self._log.warning("! peer: %s (%s)", text, done, extra={"cause": f"peer: {kind}"})
                await self.flush()
                await self._on_fault(event)

    def _lose(self) -> None:
        self._lost = True
        while not self._queue.empty():
            waiting = self._queue.get_nowait()
            if not waiting.outcome.done():
                waiting.outcome.set_exception(ConnectionLost(f"{waiting.action}: the connection was lost"))
                waiting.outcome.exception()
