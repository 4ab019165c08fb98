"""The client for plain programs. Each call has a connection of its own, so threads may share a bench."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from hil.client.errors import BenchGone, Expired
from hil.client.exchange import BenchPlace, EventReading
from hil.client.started_bench import StartedBench, options_of
from hil.client.verbs import BenchVerbs, EvseView, filter_of

TIMEOUT_S = 30.0
_PIECE = 1 << 16


class Bench(BenchVerbs[dict[str, Any]]):
    """A bench that runs. `connect` finds one, `start` starts one. As a context: what it started is ended at its end.

    Every call has a timeout, and a connection of its own. A call is never sent twice: after BenchGone look at `state`.
    A bench that was started again at the same place is found by the next call.
    """

    def __init__(self, place: BenchPlace, timeout_s: float = TIMEOUT_S, started: StartedBench | None = None) -> None:
        self.place = place
        self.timeout_s = timeout_s
        self._started = started

    @classmethod
    def connect(cls, place: str, *, token: str | None = None, timeout_s: float = TIMEOUT_S) -> Bench:
        """The bench at `http://HOST:PORT` or at the path of a socket. Raises BenchGone where there is none."""
        bench = cls(BenchPlace.parse(place, token), timeout_s)
        bench.help()
        return bench

    @classmethod
    def start(
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
    ) -> Bench:
        """A bench of this program's own, idle and ready for a car. Raises BenchGone with the reason. `close` ends it."""
        started = StartedBench(options_of(evses, outlet, car, module, bench_file, tls), folder)
        return cls(BenchPlace.parse(started.socket), timeout_s, started)

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the bench, where this program started it."""
        if self._started is not None:
            self._started.stop()
            self._started.remove()
            self._started = None

    def evse(self, number: int) -> EvseView[dict[str, Any]]:
        """The verbs at one EVSE: `bench.evse(2).plug()`."""
        return EvseView(self, number)

    def do(self, verb: str, *, timeout_s: float | None = None, **arguments: Any) -> dict[str, Any]:
        until_s = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        received = b""
        try:
            with self._connected(until_s) as wire:
                # where a request is refused before its end, the answer says why
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    wire.sendall(self.place.call({"do": verb, **arguments}))
                while not (self.place.path and received.endswith(b"\n")):
                    wire.settimeout(max(0.001, until_s - time.monotonic()))
                    piece = wire.recv(_PIECE)
                    if not piece:
                        break
                    received += piece
        except TimeoutError:
            raise BenchGone(f"{self.place}: no answer to {verb} in time; it may come nevertheless") from None
        except OSError as error:
            raise BenchGone(f"{self.place}: {error}; is the bench running?") from error
        return self.place.answer(received)

    def events(
        self,
        names: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        evse: int | None = None,
        after: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[dict[str, Any]]:
        """New lines of the record, until the bench goes (BenchGone). The subscription begins with this call.

        `after`: begin behind this number instead. `timeout_s`: Expired when no event comes for so long. An event of
        kind `lost` says how many lines the bench dropped, because this program read too slowly.
        """
        wire = self._subscribed(filter_of(evse, kinds, names, after))
        return self._events(*wire, timeout_s)

    @property
    def _evse(self) -> int | None:
        return None

    def _connected(self, until_s: float) -> socket.socket:
        left_s = max(0.001, until_s - time.monotonic())
        if self.place.path:
            wire = socket.socket(socket.AF_UNIX)
            try:
                wire.settimeout(left_s)
                wire.connect(self.place.path)
            except BaseException:
                wire.close()
                raise
            return wire
        return socket.create_connection((self.place.host, self.place.port), left_s)

    def _subscribed(self, wanted: dict[str, Any]) -> tuple[socket.socket, EventReading, list[dict[str, Any]]]:
        """The connection after the bench took the subscription."""
        reading, early = EventReading(self.place), list[dict[str, Any]]()
        wire: socket.socket | None = None
        try:
            wire = self._connected(time.monotonic() + self.timeout_s)
            wire.settimeout(self.timeout_s)
            wire.sendall(self.place.subscription(wanted))
            while not reading.begun:
                piece = wire.recv(_PIECE)
                if not piece:
                    raise BenchGone(f"{self.place}: it closed the connection")
                early += reading.feed(piece)
        except BaseException as error:
            if wire is not None:
                wire.close()
            if isinstance(error, OSError) and not isinstance(error, BenchGone):
                raise BenchGone(f"{self.place}: {error}; is the bench running?") from error
            raise
        return wire, reading, early

    def _events(
        self, wire: socket.socket, reading: EventReading, early: list[dict[str, Any]], timeout_s: float | None
    ) -> Iterator[dict[str, Any]]:
        with wire:
            yield from early
            last_s = time.monotonic()
            while True:
                wire.settimeout(None if timeout_s is None else max(0.001, last_s + timeout_s - time.monotonic()))
                try:
                    piece = wire.recv(_PIECE)
                except TimeoutError:
                    raise Expired(f"no event came for {timeout_s:g} s") from None
                except OSError as error:
                    raise BenchGone(f"{self.place}: {error}") from error
                if not piece:
                    raise BenchGone(f"{self.place}: it closed the connection")
                for event in reading.feed(piece):
                    yield event
                    last_s = time.monotonic()
