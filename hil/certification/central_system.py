"""The suite's own central system: OCPP-J over WebSocket. It keeps every frame, checks every frame against its schema, and answers.

A case reads messages with `take`, sends with `call`, orders answers through `answers`, and cuts the network with `cut` and `reconnect`.
The default answers are those of a friendly central system, so a case orders only what it is about.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from hil.certification.answers import Answers, LeftUnanswered, RefusedWith
from hil.certification.frames import CALL, CALL_ERROR, CALL_RESULT, CallErrorAnswer, FrameRecord, StationCall
from hil.certification.notifications import connector_states
from hil.certification.patterns import Pattern, Payload, matches
from hil.certification.planted import Interceptor, Passage
from hil.simulators.csms.handshake import credentials_of, identity_of
from hil.simulators.csms.rules import Rules

SUBPROTOCOL = Subprotocol("ocpp2.0.1")
HOST = "127.0.0.1"
FAULT_NOTE = "a fault is made"
LONGEST_FRAME = 1 << 24
_FIELDS = {CALL: 4, CALL_RESULT: 3, CALL_ERROR: 5}


class NotConnected(ConnectionError):
    """The station has no connection, or lost it while an answer was awaited."""


@dataclass(slots=True)
class Entrance:
    """One address the central system listens at. `password`: None lets everybody in."""

    password: str | None = None
    tls: ssl.SSLContext | None = None
    refuses: bool = False
    """Answer 503 to every handshake."""
    port: int = 0
    """0 until it listens for the first time."""
    handshakes: list[tuple[float, Headers]] = field(default_factory=list)
    """Each attempt to connect, refused ones too: monotonic time and headers."""

    @property
    def attempts(self) -> int:
        """How often the station tried to connect here."""
        return len(self.handshakes)

    @property
    def last_attempt_s(self) -> float:
        """When it tried last; monotonic."""
        return self.handshakes[-1][0]

    @property
    def url(self) -> str:
        """Without the identity, which the station adds."""
        return f"{'ws' if self.tls is None else 'wss'}://{HOST}:{self.port}"


class CentralSystem:
    """One station at a time. A second connection takes the place of the first."""

    def __init__(self, identity: str, entrance: Entrance, heartbeat_interval_s: int) -> None:
        self.identity = identity
        self.entrances = [entrance]
        self.answers = Answers(heartbeat_interval_s)
        self.record: list[FrameRecord] = []
        """Every frame of the case."""
        self.calls: list[StationCall] = []
        """Every CALL of the case, in the order it came."""
        self.problems: list[str] = []
        """What was wrong with frames of the case: schema, RPC rules."""
        self.connections = 0
        """How many connections the station ever made."""
        self.connectors: dict[tuple[int, int], str] = {}
        """The last state the station reported of each connector, over all cases."""
        self.interceptor = Interceptor()
        """Every frame passes through it. It changes nothing unless a fault is planted."""
        self.boot_status: str | None = None
        """What the last BootNotification was answered with."""
        self._untaken: list[StationCall] = []
        self._socket: ServerConnection | None = None
        self._servers: list[Server] = []
        self._waiting: dict[str, tuple[str, asyncio.Future[Payload | CallErrorAnswer]]] = {}
        self._calling = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._replies: dict[float, asyncio.Task[None]] = {}
        """Answers under way, by the arrival of their CALL; those that shall be late are in `_late`."""
        self._late: set[asyncio.Task[None]] = set()
        self._rules = Rules()

    # -- the network -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen at every entrance; the same ports again after `stop`."""
        for entrance in self.entrances:
            await self.open(entrance)

    async def open(self, entrance: Entrance) -> None:
        """Listen at one more entrance."""
        if not any(entrance is known for known in self.entrances):
            self.entrances.append(entrance)
        server = await serve(
            self._serve,
            HOST,
            entrance.port,
            subprotocols=[SUBPROTOCOL],
            process_request=lambda connection, request: self._admit(entrance, request),
            ssl=entrance.tls,
            compression=None,
            max_size=LONGEST_FRAME,
            close_timeout=0.5,
            ping_interval=None,
        )
        entrance.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    async def stop(self) -> None:
        """Close the connection and listen nowhere."""
        await self._close(self._servers)
        for task in [*self._late, *self._replies.values()]:
            task.cancel()

    async def close_further_entrances(self) -> None:
        """Listen at the first entrance alone."""
        await self._close(self._servers[1:])
        del self.entrances[1:]

    async def _close(self, servers: list[Server]) -> None:
        self._servers = [server for server in self._servers if server not in servers]
        for server in servers:
            server.close(close_connections=True)
        for server in servers:
            await server.wait_closed()

    @property
    def connected(self) -> bool:
        """Whether the station has a connection."""
        return self._socket is not None

    def tls_session(self) -> ssl.SSLObject | None:
        """The TLS of the present connection; None on a plain one. Raises NotConnected."""
        if self._socket is None:
            raise NotConnected("the station is not connected")
        session: ssl.SSLObject | None = self._socket.transport.get_extra_info("ssl_object")
        return session

    async def cut(self) -> None:
        """The network is gone: the connection is aborted, and handshakes are refused until `reconnect`."""
        for entrance in self.entrances:
            entrance.refuses = True
        await self.drop()
        self.note("network cut")

    def reconnect(self) -> None:
        """The network is back."""
        for entrance in self.entrances:
            entrance.refuses = False
        self.note("network back")

    async def drop(self) -> None:
        """Abort the connection; the station may come again."""
        if self._socket is not None:
            self._socket.transport.abort()
            await self.until(lambda: self._socket is None, 5.0)

    # -- messages of the station -------------------------------------------------------------------------------------

    def begin_case(self) -> None:
        """Forget what came before, and every ordered answer."""
        self.record, self.calls, self.problems, self._untaken = [], [], [], []
        self.answers.forget_orders()

    def forget_station(self) -> None:
        """A station of which nothing is known yet will come."""
        self.connectors.clear()
        self.boot_status = None

    async def take(self, action: str, where: Pattern, within_s: float) -> StationCall | None:
        """The first message of this action that matches and was not taken yet, as soon as it came. None: it did not come."""
        return await self.take_where(lambda call: call.action == action and matches(call.payload, where), within_s)

    async def take_where(self, fits: Callable[[StationCall], bool], within_s: float) -> StationCall | None:
        """The first message for which `fits` is true and that was not taken yet; None: it did not come.

        The answer was sent when this returns, unless it is an answer that shall be late.
        """
        found: list[StationCall] = []

        def came() -> bool:
            found[:] = [call for call in self._untaken if fits(call)][:1]
            return bool(found)

        if not await self.until(came, within_s):
            return None
        self._untaken.remove(found[0])
        reply = self._replies.get(found[0].at_s)
        if reply is not None:
            await asyncio.wait({reply})
        return found[0]

    def untaken(self, action: str, where: Pattern | None = None) -> list[StationCall]:
        """Messages that no step has taken."""
        return [call for call in self._untaken if call.action == action and matches(call.payload, where or {})]

    def discard(self, action: str, where: Pattern | None = None) -> None:
        """Take every message of this action that has come, without a check."""
        gone = self.untaken(action, where)
        self._untaken = [call for call in self._untaken if call not in gone]

    async def until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait for something that changes with a frame or a connection; False where it does not come true in time."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            return condition()
        return True

    # -- messages to the station -------------------------------------------------------------------------------------

    async def call(self, action: str, payload: Payload, within_s: float) -> Payload | CallErrorAnswer | None:
        """Send a CALL; its answer, or None where none came in time. Raises NotConnected."""
        unique_id = str(uuid.uuid4())
        async with self._calling:
            return await self.send([CALL, unique_id, action, payload], unique_id, action, within_s)

    async def send(
        self, frame: list[Any], unique_id: str, action: str, within_s: float
    ) -> Payload | CallErrorAnswer | None:
        """Send any frame and wait for the answer under `unique_id`. Raises NotConnected."""
        future: asyncio.Future[Payload | CallErrorAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[unique_id] = action, future
        try:
            await self._write(json.dumps(frame))
            async with asyncio.timeout(within_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(unique_id, None)

    async def _write(self, text: str) -> None:
        socket = self._socket
        if socket is None:
            raise NotConnected("the station is not connected")
        self.record.append(FrameRecord(time.monotonic(), "out", text))
        self.interceptor.to_station(text)
        try:
            await socket.send(text)
        except ConnectionClosed as error:
            raise NotConnected("the station closed the connection") from error

    # -- connections -------------------------------------------------------------------------------------------------

    async def _admit(self, entrance: Entrance, request: Request) -> Response | None:
        entrance.handshakes.append((time.monotonic(), request.headers))
        await self._wake()
        if entrance.refuses:
            self.note(f"handshake at port {entrance.port} refused")
            return _response(503, "Service Unavailable")
        if identity_of(request.path) != self.identity:
            self.note(f"handshake for {request.path}: this suite expects the identity {self.identity}")
            return _response(404, "Not Found")
        if entrance.password is not None and credentials_of(request.headers) != (self.identity, entrance.password):
            self.note("handshake with wrong credentials: 401")
            return _response(401, "Unauthorized")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        if socket.subprotocol != SUBPROTOCOL:
            self.problems.append(f"handshake without the subprotocol {SUBPROTOCOL}")
            await socket.close(1002, f"{SUBPROTOCOL} only")
            return
        if self._socket is not None:
            self._socket.transport.abort()
        self._socket = socket
        self.connections += 1
        self.note(f"connection {self.connections}")
        await self._wake()
        try:
            async for text in socket:
                await self._arrived(socket, text)
        except ConnectionClosed:
            pass
        finally:
            if self._socket is socket:
                self._socket = None
                self.note("connection lost")
                for _, future in self._waiting.values():
                    if not future.done():
                        future.set_exception(NotConnected("the connection was lost before the answer"))
            await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def note(self, text: str) -> None:
        """A line in the record that is no frame."""
        self.record.append(FrameRecord(time.monotonic(), "note", text))

    # -- frames ------------------------------------------------------------------------------------------------------

    async def _arrived(self, socket: ServerConnection, text: str | bytes) -> None:
        """A frame of the station, as the interceptor lets it pass."""
        if isinstance(text, bytes):
            self._frame(socket, text)
            await self._wake()
            return
        passage = self.interceptor.from_station(text)
        if passage.returned is not None:
            await socket.send(passage.returned)
        if passage.delay_s > 0:
            task = asyncio.create_task(self._arrives_late(socket, passage))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return
        for frame in passage.onward:
            self._frame(socket, frame)
        await self._wake()

    async def _arrives_late(self, socket: ServerConnection, passage: Passage) -> None:
        await asyncio.sleep(passage.delay_s)
        for frame in passage.onward:
            self._frame(socket, frame)
        await self._wake()

    def _frame(self, socket: ServerConnection, text: str | bytes) -> None:
        shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
        self.record.append(FrameRecord(time.monotonic(), "in", shown))
        try:
            message = json.loads(text)
            kind, unique_id = message[0], message[1]
            if not isinstance(text, str) or len(message) != _FIELDS[kind] or not isinstance(unique_id, str):
                raise ValueError(shown)
        except (ValueError, LookupError, TypeError):
            self.problems.append(f"not an OCPP-J frame: {shown[:120]}")
            return
        if len(unique_id) > 36:
            self.problems.append(f"message id {unique_id}: {len(unique_id)} characters, at most 36")
        if kind == CALL:
            self._called(socket, unique_id, message[2], message[3])
        else:
            self._answered(unique_id, message)

    def _called(self, socket: ServerConnection, unique_id: str, action: str, payload: Any) -> None:
        problem = self._rules.problem(f"{action}Request", payload) if isinstance(payload, dict) else ("", "no object")
        if problem is not None:
            self.problems.append(f"{action}Request: {problem[1]}")
        call = StationCall(time.monotonic(), datetime.now(UTC), self.connections, unique_id, action, payload)
        if action == "BootNotification":
            self.connectors.clear()
            self.boot_status = None
        for place, state in connector_states(call):
            self.connectors[place] = state
        self.calls.append(call)
        self._untaken.append(call)
        reply, delay_s = self.answers.to(call)
        if isinstance(reply, LeftUnanswered):
            return
        boot_status = None
        if isinstance(reply, RefusedWith):
            frame = [CALL_ERROR, unique_id, reply.code, reply.text, {}]
        else:
            frame = [CALL_RESULT, unique_id, reply]
            boot_status = reply["status"] if action == "BootNotification" else None
        task = asyncio.create_task(self._reply(socket, json.dumps(frame), delay_s, boot_status))
        if delay_s > 0:
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            self._replies[call.at_s] = task
            task.add_done_callback(lambda _: self._replies.pop(call.at_s, None))

    async def _reply(self, socket: ServerConnection, text: str, delay_s: float, boot_status: str | None) -> None:
        """Send one answer. A BootNotification's answer decides what the station may do from then on."""
        await asyncio.sleep(delay_s)
        if socket is self._socket:
            self.boot_status = boot_status or self.boot_status
            self.record.append(FrameRecord(time.monotonic(), "out", text))
            if not self.interceptor.to_station(text):
                return
            try:
                await socket.send(text)
            except ConnectionClosed:
                self.note("the station closed the connection before this answer")

    def _answered(self, unique_id: str, message: list[Any]) -> None:
        action, future = self._waiting.get(unique_id, ("", None))
        if future is None or future.done():
            self.problems.append(f"an answer to no CALL that waits: {json.dumps(message)[:120]}")
        elif message[0] == CALL_ERROR:
            future.set_result(CallErrorAnswer(str(message[2]), str(message[3]), message[4]))
        else:
            problem = self._rules.problem(f"{action}Response", message[2])
            if problem is not None:
                self.problems.append(f"{action}Response: {problem[1]}")
            future.set_result(message[2])


def _response(status: int, reason: str) -> Response:
    headers = Headers({"Content-Length": "0", "Connection": "close"})
    if status == 401:
        headers["WWW-Authenticate"] = "Basic"
    return Response(status, reason, headers, b"")
