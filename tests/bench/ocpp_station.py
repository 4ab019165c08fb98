"""The station's end of `./run bench ocpp`, in a process of its own: `python -m tests.bench.ocpp_station ours|library PORT FOLDER`.

`ours` is the OCPP client with its store, as the daemon wires them. `library` is the charge point of the `ocpp` package,
with the validation it does by itself and without a store. Both send the same TransactionEvent.
Each line on standard input is a request, each line on standard output its answer:

* `round_trips N`: N events, each made when the one before is answered and deleted: for each event the milliseconds from the record,
  and from its frame, to the validated answer.
* `drain N`: N events that wait before the connection is made: the seconds from the connection to the last answer.
* `figures`: resident memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import json
import logging
import os
import pstats
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from ocpp.charge_point import camel_to_snake_case
from ocpp.v201 import ChargePoint, call
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from chargepoint.app.clock import SystemClock
from chargepoint.app.station_shell import keep_transaction
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import ChargingState, MeterSample, ReadingContext, TransactionRecord, TriggerReason
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Effects, SharedEvent, TransactionAnswered
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from chargepoint.store.rows import Enqueue
from chargepoint.transactions.ledger import Ledger
from tests.bench.cars import rss_MB

IDENTITY = "CP-BENCH"
EVSE = EvseState(EvseId(1), ConnectorStatus.OCCUPIED, True, None, None, False, 22_000.0, 11_000.0, None, None, True)
POLL_S = 0.005
DELETION_POLL_S = 0.0005


class EmptyStation:
    """One EVSE that does nothing, and takes every order."""

    def evse_states(self) -> tuple[EvseState, ...]:
        return (EVSE,)

    def command(self, command: StationCommand) -> CommandResult:
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "bench"


class Answers(FunctionalBlock):
    """Counts the answers to TransactionEvents that were validated and taken in."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.changed = asyncio.Event()

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        if isinstance(event, TransactionAnswered):
            self.count += 1
            self.changed.set()
        return ()


class Records:
    """The records of one long transaction, each with every momentary value."""

    def __init__(self) -> None:
        self.ledger = Ledger(EvseId(1))
        self._import_Wh = 12_345.0

    def next(self) -> TransactionRecord:
        """One record more."""
        self._import_Wh += 1.25
        sample = MeterSample(
            datetime.now(UTC), ReadingContext.SAMPLE_PERIODIC, self._import_Wh, 8.5, 10_980.0, 400.1, 27.4, 55.0, 11_000.0
        )  # fmt: skip
        if self.ledger.state is None:
            token, state = IdToken("04A1B2C3", IdTokenType.ISO14443), ChargingState.CHARGING
            return self.ledger.start(
                TransactionId(str(uuid.uuid4())), sample, TriggerReason.AUTHORIZED, 0.0, state, token
            )
        record = self.ledger.sample(sample)
        assert record is not None
        return record


class Sending:
    """When a frame was last given to this socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.at_s = 0.0
        self._send = socket.send
        socket.send = self._noted  # type: ignore[assignment, method-assign]

    async def _noted(self, text: str) -> None:
        self.at_s = time.perf_counter()
        await self._send(text)


Trip = tuple[float, float]
"""Milliseconds from the record, and from its frame, to the validated answer."""


class Station(Protocol):
    """One of the two."""

    async def round_trips(self, count: int) -> list[Trip]:
        """So many."""

    async def drain(self, count: int) -> float:
        """Seconds that so many take."""


class OurStation:
    """A record is stored durably with the ledger's state, then sent."""

    def __init__(self, port: int, folder: Path) -> None:
        section = CsmsSection(
            url=f"ws://127.0.0.1:{port}",
            identity=IDENTITY,
            call_timeout_s=30.0,
            reconnect_min_s=0.1,
            versions=("ocpp2.0.1",),
        )
        self.store = Store.open(folder / "station.db")
        self.client = OcppClient(
            section, StationSection(state_dir=folder), self.store, EmptyStation(), SystemClock(), logging.getLogger("ocpp")
        )  # fmt: skip
        self.answers = Answers()
        self.client._station.add(self.answers)
        self.records = Records()
        self._running: asyncio.Task[None] | None = None

    async def _record(self) -> None:
        row = self.client.outbox_row(self.records.next())
        await self.store.commit(keep_transaction(EvseId(1), self.records.ledger.state), Enqueue(row))
        self.client.outbox_changed()

    async def _online(self) -> None:
        self._running = asyncio.create_task(self.client.run())
        while not self.client.online:
            await asyncio.sleep(POLL_S)

    async def round_trips(self, count: int) -> list[Trip]:
        if self._running is None:
            await self._online()
        assert self.client._caller.connection is not None
        sending = Sending(self.client._caller.connection._socket)
        trips: list[Trip] = []
        for _ in range(count):
            while self.store.outbox_depth():  # the message before is answered, and soon deleted
                await asyncio.sleep(DELETION_POLL_S)
            began_s = time.perf_counter()
            self.answers.changed.clear()
            await self._record()
            await self.answers.changed.wait()
            now_s = time.perf_counter()
            trips.append(((now_s - began_s) * 1000, (now_s - sending.at_s) * 1000))
        return trips

    async def drain(self, count: int) -> float:
        for _ in range(count):
            await self._record()
        await self._online()
        began_s, before = time.perf_counter(), self.answers.count
        while self.answers.count < count or self.store.outbox_depth():
            await asyncio.sleep(POLL_S)
        assert before < count / 50, "the drain began before its time was measured"
        return time.perf_counter() - began_s


class LibraryStation:
    """The library's charge point; its calls come from memory."""

    def __init__(self, port: int, folder: Path) -> None:
        self._url = f"ws://127.0.0.1:{port}/{IDENTITY}"
        self._ours = OcppClient(
            CsmsSection(), StationSection(state_dir=folder), Store.open(folder / "row.db"), EmptyStation(), SystemClock(),
            logging.getLogger("ocpp"),
        )  # fmt: skip
        self._records = Records()
        self._point: ChargePoint | None = None
        self._reading: asyncio.Task[None] | None = None

    def _request(self) -> call.TransactionEvent:
        """The payload that ours sends, in the library's words."""
        payload = json.loads(self._ours.outbox_row(self._records.next()).text)[3]
        payload.pop("offline", None)
        return call.TransactionEvent(**camel_to_snake_case(payload))

    async def _online(self) -> ChargePoint:
        if self._point is None:
            socket: ClientConnection = await connect(
                self._url, subprotocols=[Subprotocol("ocpp2.0.1")], compression=None, ping_interval=None
            )
            self._point = ChargePoint(IDENTITY, socket)
            self._reading = asyncio.create_task(self._point.start())
            model = {"model": "bench", "vendorName": "library"}
            await self._point.call(call.BootNotification(model, "PowerUp"))
        return self._point

    async def round_trips(self, count: int) -> list[Trip]:
        point = await self._online()
        sending = Sending(point._connection)
        trips: list[Trip] = []
        for _ in range(count):
            request = self._request()
            began_s = time.perf_counter()
            assert await point.call(request) is not None
            now_s = time.perf_counter()
            trips.append(((now_s - began_s) * 1000, (now_s - sending.at_s) * 1000))
        return trips

    async def drain(self, count: int) -> float:
        requests = [self._request() for _ in range(count)]
        point = await self._online()
        began_s = time.perf_counter()
        for request in requests:
            assert await point.call(request) is not None
        return time.perf_counter() - began_s


async def main(kind: str, port: int, folder: Path) -> None:
    station: Station = OurStation(port, folder) if kind == "ours" else LibraryStation(port, folder)
    profile = cProfile.Profile() if os.environ.get("BENCH_PROFILE") else None
    while line := await asyncio.to_thread(sys.stdin.readline):
        what, _, number = line.strip().partition(" ")
        answer: Any
        with profile if profile is not None else contextlib.nullcontext():
            match what:
                case "round_trips":
                    answer = await station.round_trips(int(number))
                case "drain":
                    answer = await station.drain(int(number))
                case "figures":
                    answer = rss_MB(os.getpid())
                case _:
                    raise ValueError(f"{what}: a request is round_trips N, drain N or figures")
        print(json.dumps(answer), flush=True)
    if profile is not None:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)
    os._exit(0)  # threads and connections of both kinds end with the process


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
