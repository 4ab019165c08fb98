"""A relay of the bench between two ends of TCP connections: it can cut them without a word, and slow them down.

While the relay is cut, bytes, connection requests and closings stay where they are, as behind a firewall that drops. Nobody gets a FIN or
RST. What was sent before arrives after healing, as TCP would send it again; a connection that its client gave up meanwhile is forgotten.
One difference remains: the sender's kernel sees its bytes acknowledged, so that its own TCP timers never end the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from hil.clock import now_s

_PIECE_BYTES = 16_384
Address = tuple[str, int]


@dataclass(slots=True)
class Slowness:
    """`latency_s` is added in each direction; `bytes_per_s` None: as many as come."""

    latency_s: float = 0.0
    bytes_per_s: float | None = None


class Relay:
    """Listens at `port` of `host` and leads each connection to `target`. Start with `start`."""

    def __init__(self, host: str, port: int = 0, target: Address | None = None) -> None:
        self._host = host
        self.port = port
        """Where it listens; with 0 the port is known after `start`."""
        self.target = target
        self.slowness = Slowness()
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_cut(self) -> bool:
        """Nothing passes."""
        return not self._open.is_set()

    def cut(self) -> None:
        """From now on nothing passes."""
        self._open.clear()

    def heal(self) -> None:
        """Everything passes again, what has waited first."""
        self._open.set()

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._lead, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        if reader.at_eof() or self.target is None:  # given up while nothing passed
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer))
                group.create_task(self._pump(far_reader, writer))
        except* OSError:  # one end was reset: so is the other
            far_writer.transport.abort()
            writer.transport.abort()
        finally:
            far_writer.close()
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line_free_s = 0.0
        while True:
            data = await reader.read(_PIECE_BYTES)
            slow = self.slowness
            if slow.latency_s or slow.bytes_per_s:
                line_free_s = max(line_free_s, now_s()) + (len(data) / slow.bytes_per_s if slow.bytes_per_s else 0.0)
                await asyncio.sleep(max(0.0, line_free_s + slow.latency_s - now_s()))
            await self._open.wait()
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
