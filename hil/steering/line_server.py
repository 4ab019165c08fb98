"""The door as a Unix socket with JSON lines. Requests without an id are performed one after the other, those with one at once."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from pathlib import Path
from typing import Any

from hil.simulators.line_socket import Refused
from hil.steering.door import SteeringDoor, as_line
from hil.steering.request import SteerRequest, id_of, read_request
from hil.steering.subscription import LineFilter

LINE_MAX_BYTES = 1 << 20
NAME = "steer.sock"
TALKS_MAX = 400
REQUESTS_MAX = 200
"""Of one connection with an id, begun and not answered yet; and as many without one that wait for their turn."""
SUBSCRIPTIONS_MAX = 20
PASS_OVER_S = 2.0
GONE_EVERY_S = 0.2
SOON_S = 0.02
TO_DOOR_MAX_BYTES = 1 << 16
"""An answer or event waits for a client that does not read, when more than this is on its way."""


class LineServer:
    """Serves one door at a path. A client that does not read holds up nobody but itself."""

    def __init__(self, door: SteeringDoor, path: Path) -> None:
        self._door = door
        self._path = path
        self._talks: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def serve(self) -> None:
        """Until cancelled."""
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._accept, str(self._path), limit=LINE_MAX_BYTES, backlog=256)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            # not serve_forever: from Python 3.12 on its end waits for clients that stay; and not by a cancellation,
            # which the streams would print
            server.close()
            self._path.unlink(missing_ok=True)
            for writer in self._talks.values():
                writer.close()
            if self._talks:
                await asyncio.wait(self._talks, timeout=1.0)
            await self._door.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._talks) >= TALKS_MAX:
            writer.write(as_line({"ok": False, "error": f"{TALKS_MAX} connections are open: close some of them"}))
            writer.close()
            return
        self._talks[task] = writer
        try:
            await _LineTalk(self._door, reader, writer).run()
        except ConnectionError:
            pass
        finally:
            del self._talks[task]
            writer.close()


class _LineTalk:
    """One connection."""

    def __init__(self, door: SteeringDoor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._door = door
        self._reader = reader
        self._writer = writer
        self._writing = asyncio.Lock()
        self._in_turn: asyncio.Queue[SteerRequest | dict[str, Any]] = asyncio.Queue(REQUESTS_MAX)
        self._tasks: dict[asyncio.Task[None], bool] = {}
        """Requests that were begun, and whether their end matters to nobody when the client is gone."""
        self._in_turn_busy = False
        self._in_turn_waits = False
        self._pumps: dict[int, asyncio.Task[None]] = {}
        self._count = 0
        writer.transport.set_write_buffer_limits(high=TO_DOOR_MAX_BYTES)

    async def run(self) -> None:
        """Until the client has gone, and what it began is done. A client that only closed its writing side gets its answers."""
        turn = asyncio.create_task(self._perform_in_turn())
        try:
            await self._read()
            while self._busy() and not turn.done() and not self._client_gone():
                await asyncio.sleep(GONE_EVERY_S if self._waiting() else SOON_S)
        finally:
            await self._end(turn)

    def _busy(self) -> bool:
        answering = self._tasks or not self._in_turn.empty() or self._in_turn_busy
        return bool(answering) or any(not pump.done() for pump in self._pumps.values())

    def _waiting(self) -> bool:
        return any(self._tasks.values()) or self._in_turn_waits or bool(self._pumps)

    async def _end(self, turn: asyncio.Task[None]) -> None:
        """Waits and subscriptions end with their client; whatever acts on the bench comes to its end."""
        ending: list[asyncio.Task[Any]] = [turn, *self._pumps.values()]
        ending += [task for task, waits in self._tasks.items() if waits]
        for task in ending:
            task.cancel()
        for task in ending:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await task
        for task in list(self._tasks):
            with contextlib.suppress(ConnectionError):
                await task

    async def _read(self) -> None:
        while True:
            try:
                line = await self._reader.readline()
            except ValueError:  # beyond the limit of the stream
                error_text = f"a line has at most {LINE_MAX_BYTES} bytes; this one is longer"
                await self._send({"ok": False, "error": error_text})
                await self._pass_over()
                return
            except ConnectionError:
                return
            if not line:
                return
            if not line.strip():
                continue
            try:
                request = read_request(line)
            except Refused as error:
                id = id_of(line)
                refusal = {"ok": False, "error": str(error)}
                if id is None:
                    await self._in_turn.put(refusal)  # who sends faster than it is served is not read on
                else:
                    await self._send({"id": id, **refusal})
                continue
            if request.id is None:
                await self._in_turn.put(request)
            elif len(self._tasks) >= REQUESTS_MAX:
                error_text = f"{REQUESTS_MAX} requests of this connection wait for their answers: read those first"
                await self._send({"id": request.id, "ok": False, "error": error_text})
            else:
                task = asyncio.create_task(self._answer(request))
                self._tasks[task] = request.waits
                task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _pass_over(self) -> None:
        """The rest of a line that is too long: a connection that is closed before would take the refusal with it."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(PASS_OVER_S):
                while (piece := await self._reader.read(LINE_MAX_BYTES)) and b"\n" not in piece:
                    pass

    async def _perform_in_turn(self) -> None:
        while True:
            request = await self._in_turn.get()
            self._in_turn_busy = True
            try:
                if isinstance(request, dict):
                    with contextlib.suppress(ConnectionError):
                        await self._send(request)
                elif request.waits:
                    self._in_turn_waits = True
                    await self._answer(request)
                else:
                    await self._undisturbed(request)
            finally:
                self._in_turn_busy = False
                self._in_turn_waits = False

    async def _undisturbed(self, request: SteerRequest) -> None:
        """What acts on the bench comes to its end, also where the client goes meanwhile."""
        task = asyncio.create_task(self._answer(request))
        self._tasks[task] = False
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        await asyncio.shield(task)

    async def _answer(self, request: SteerRequest) -> None:
        if request.verb == "subscribe":
            await self._subscribe(request)
        elif request.verb == "unsubscribe":
            await self._unsubscribe(request)
        else:
            answer = await self._door.answer(request)
            with contextlib.suppress(ConnectionError):
                await self._send(answer)

    async def _send(self, answer: dict[str, Any]) -> None:
        async with self._writing:
            self._writer.write(as_line(answer))
            await self._writer.drain()

    # -- events --------------------------------------------------------------------------------------------------------

    async def _subscribe(self, request: SteerRequest) -> None:
        id = {} if request.id is None else {"id": request.id}
        try:
            wanted = self._door.filter_of(request)
            if len(self._pumps) >= SUBSCRIPTIONS_MAX:
                raise Refused(
                    f"{SUBSCRIPTIONS_MAX} subscriptions of this connection are open: unsubscribe some of them"
                )
        except Refused as error:
            await self._send({**id, "ok": False, "error": str(error)})
            return
        self._count += 1
        number = self._count
        after = request.arguments.get("after")
        begun, answered = asyncio.Event(), asyncio.Event()
        pump = self._pump(number, wanted, None if after is None else int(str(after)), begun, answered)
        self._pumps[number] = asyncio.create_task(pump, name=f"subscription-{number}")
        await begun.wait()  # lines from here on are in it
        await self._send({**id, "ok": True, "subscription": number, "last": self._door.watched.record.count})
        answered.set()

    async def _pump(
        self, number: int, wanted: LineFilter, after: int | None, begun: asyncio.Event, answered: asyncio.Event
    ) -> None:
        with contextlib.suppress(ConnectionError):
            async with self._door.watched.subscribed(wanted, after) as (subscription, stirred):
                begun.set()
                await answered.wait()
                while True:
                    await stirred.wait()
                    stirred.clear()
                    for event in subscription.take():
                        await self._send({"event": event, "subscription": number})

    async def _unsubscribe(self, request: SteerRequest) -> None:
        id = {} if request.id is None else {"id": request.id}
        number = request.arguments.get("subscription")
        if number is not None and number not in self._pumps:
            known = ", ".join(map(str, self._pumps)) or "none"
            await self._send({**id, "ok": False, "error": f"subscription = {number}: open here: {known}"})
            return
        for one in [int(str(number))] if number is not None else list(self._pumps):
            pump = self._pumps.pop(one)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
        await self._send({**id, "ok": True})

    def _client_gone(self) -> bool:
        """Both directions are closed: a client that only closed its writing side still reads."""
        wire: socket.socket | None = self._writer.get_extra_info("socket")
        if wire is None or wire.fileno() < 0 or self._writer.is_closing():
            return True
        poll = select.poll()
        poll.register(wire.fileno(), 0)  # POLLHUP and POLLERR are always reported
        return bool(poll.poll(0))
