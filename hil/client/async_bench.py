"""The client for asyncio: the same verbs, to be awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Sequence
from types import TracebackType
from typing import Any

from hil.client.errors import BenchGone, Expired
from hil.client.exchange import BenchPlace, EventReading
from hil.client.started_bench import StartedBench, options_of
from hil.client.sync_bench import TIMEOUT_S
from hil.client.verbs import BenchVerbs, EvseView, filter_of

_PIECE = 1 << 16
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncBench(BenchVerbs[Awaitable[dict[str, Any]]]):
    """As `Bench`: `await AsyncBench.connect(…)`, `await bench.plug()`, `async for event in bench.events()`."""

    def __init__(self, place: BenchPlace, timeout_s: float = TIMEOUT_S, started: StartedBench | None = None) -> None:
        self.place = place
        self.timeout_s = timeout_s
        self._started = started

    @classmethod
    async def connect(cls, place: str, *, token: str | None = None, timeout_s: float = TIMEOUT_S) -> AsyncBench:
        """The bench at `http://HOST:PORT` or at the path of a socket. Raises BenchGone where there is none."""
        bench = cls(BenchPlace.parse(place, token), timeout_s)
        await bench.help()
        return bench

    @classmethod
    async def start(
        cls,
        evses: int = 1,
        bench_file: str | os.PathLike[str] | None = None,
        *,
        outlet: str | None = None,
        car: str | None = None,
        module: str | None = None,
        tls: bool = False,
        folder: str | os.PathLike[str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> AsyncBench:
        """A bench of this program's own, idle and ready for a car. Raises BenchGone with the reason. `close` ends it."""
        options = options_of(evses, outlet, car, module, bench_file, tls)
        started = await asyncio.to_thread(StartedBench, options, folder)
        return cls(BenchPlace.parse(started.socket), timeout_s, started)

    async def __aenter__(self) -> AsyncBench:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the bench, where this program started it."""
        if self._started is not None:
            started, self._started = self._started, None
            await asyncio.to_thread(started.stop)
            started.remove()

    def evse(self, number: int) -> EvseView[Awaitable[dict[str, Any]]]:
        """The verbs at one EVSE: `await bench.evse(2).plug()`."""
        return EvseView(self, number)

    async def do(self, verb: str, *, timeout_s: float | None = None, **arguments: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self.timeout_s if timeout_s is None else timeout_s):
                reader, writer = await self._connected()
                try:
                    writer.write(self.place.call({"do": verb, **arguments}))
                    await writer.drain()
                    received = b""
                    while not (self.place.path and received.endswith(b"\n")):
                        piece = await reader.read(_PIECE)
                        if not piece:
                            break
                        received += piece
                finally:
                    writer.close()
        except TimeoutError:
            raise BenchGone(f"{self.place}: no answer to {verb} in time; it may come nevertheless") from None
        except OSError as error:
            raise BenchGone(f"{self.place}: {error}; is the bench running?") from error
        return self.place.answer(received)

    async def events(
        self,
        names: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        evse: int | None = None,
        after: int | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """As `Bench.events`; the subscription begins with the first round of the loop."""
        reading = EventReading(self.place)
        try:
            reader, writer = await asyncio.wait_for(self._connected(), self.timeout_s)
        except OSError as error:
            raise BenchGone(f"{self.place}: {error or 'no answer'}; is the bench running?") from error
        try:
            writer.write(self.place.subscription(filter_of(evse, kinds, names, after)))
            loop = asyncio.get_running_loop()
            last_s = loop.time()
            while True:
                patience_s = timeout_s if reading.begun else self.timeout_s
                try:
                    async with asyncio.timeout_at(None if patience_s is None else last_s + patience_s):
                        piece = await reader.read(_PIECE)
                except TimeoutError:
                    raise Expired(f"no event came for {patience_s:g} s") from None
                except OSError as error:
                    raise BenchGone(f"{self.place}: {error}") from error
                if not piece:
                    raise BenchGone(f"{self.place}: it closed the connection")
                for event in reading.feed(piece):
                    yield event
                    last_s = loop.time()
        finally:
            writer.close()

    @property
    def _evse(self) -> int | None:
        return None

    async def _connected(self) -> _Streams:
        if self.place.path:
            return await asyncio.open_unix_connection(self.place.path)
        return await asyncio.open_connection(self.place.host, self.place.port)
