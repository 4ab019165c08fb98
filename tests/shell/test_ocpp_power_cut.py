"""The power goes at any point: before each database statement, before and after each message, before each answer.

The disk as it was at that instant (database file and write-ahead log, copied) is what the next start finds. No socket and
no sleep: store, ledger and outbox are the real ones, the central system is a list.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import shutil
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chargepoint.app.station_shell import TRANSACTION_SPACE, keep_transaction
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.blocks.effects import Send
from chargepoint.ocpp.blocks.transactions import outbox_row
from chargepoint.ocpp.connection import ConnectionLost, Outcome
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.outbox import Outbox
from chargepoint.ocpp.rpc import CallFailed, CallTimedOut, ResultReceived
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.station import Station
from chargepoint.store.database import Store
from chargepoint.store.rows import Enqueue
from chargepoint.transactions.ledger import Ledger, LedgerState

pytestmark = pytest.mark.slow

TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
BEGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EVSE = EvseState(EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True)
NAME = "station.db"


class PowerIsGone(Exception):
    """Nothing happens any more in this life of the station."""


@dataclass
class Csms:
    """What the central system has heard, in order, over all lives of the station. `moods` are its next answers."""

    frames: list[str] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)

    def hear(self, text: str) -> str:
        self.frames.append(text)
        return self.moods.pop(0) if self.moods else "answer"


class Life:
    """One life of the station, from power up to the cut at point `cut_at` (None: to its quiet end)."""

    def __init__(self, disk: Path, next_disk: Path, csms: Csms, cut_at: int | None) -> None:
        self.csms = csms
        self.points = 0
        self.off = False
        self.acknowledged: list[int] = []
        self._disk, self._next, self._cut_at = disk, next_disk, cut_at
        self.store = Store.open(disk / NAME)
        self.store._writer = _Watched(self.store._writer, self)  # type: ignore[assignment]
        self.station = Station(CsmsSection(), StationSection(), _Port(), Kept(lambda _: {}), lambda _: 0)
        response = {"status": "Accepted", "interval": 300, "currentTime": "2026-03-01T12:00:00Z"}
        self.station.answered("BootNotification", {}, response, Moment(0.0, BEGIN.timestamp()))
        self.bell = asyncio.Event()
        self._connection: asyncio.Task[None] | None = None

    def point(self) -> None:
        """A place where the power may go."""
        if self.off:
            return
        if self.points == self._cut_at:
            self.off = True
            self._next.mkdir()
            for file in self._disk.iterdir():
                if not file.name.endswith("-shm"):  # memory, not disk
                    shutil.copyfile(file, self._next / file.name)
        self.points += 1

    def must_live(self) -> None:
        if self.off:
            raise PowerIsGone

    async def commit(self, ledger: Ledger, record: TransactionRecord) -> None:
        keep = keep_transaction(EvseId(1), ledger.state)
        await self.store.commit(keep, Enqueue(outbox_row(record, self.station.model, offline=False)))
        self.must_live()
        self.acknowledged.append(record.seq_no)
        self.bell.set()

    async def drain(self) -> None:
        """Until the outbox is empty or the power is gone; a lost connection is made again."""
        while self.store.outbox_depth() and not self.off:
            if self._connection is None or self._connection.done():
                outbox = Outbox(self.store, self.station, self, _Clock(), _Log(), self.bell, _no_sleep)  # type: ignore[arg-type]
                self._connection = asyncio.create_task(outbox.drain())
            await asyncio.sleep(0)
        self.must_live()

    async def end(self) -> None:
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.gather(self._connection, return_exceptions=True)
        self.store.close()

    # what the outbox sends with

    async def send(self, unique_id: str, action: str, text: str, payload: Payload) -> Outcome:
        self.point()
        if self.off:
            raise ConnectionLost("the power is gone")
        mood = self.csms.hear(text)
        self.point()
        if self.off or mood == "lost":
            raise ConnectionLost("no answer will come")
        if mood == "refuse":
            return CallFailed(unique_id, action, "InternalError", "")
        if mood == "silence":
            return CallTimedOut(unique_id, action)
        return ResultReceived(unique_id, action, {})

    async def call(self, send: Send) -> Outcome:
        return ResultReceived("h", send.action, {"currentTime": "2026-03-01T12:00:00Z"})


class _Watched:
    """The writer's connection; each statement is a point."""

    def __init__(self, connection: sqlite3.Connection, life: Life) -> None:
        self._connection, self._life = connection, life

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._life.point()
        return self._connection.execute(*arguments)

    def close(self) -> None:
        self._connection.close()


class _Port:
    def evse_states(self) -> tuple[EvseState, ...]:
        return (EVSE,)

    def command(self, command: StationCommand) -> CommandResult:
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "1"


class _Clock:
    def monotonic_s(self) -> float:
        return 0.0

    def utc(self) -> datetime:
        return BEGIN


class _Log:
    def error(self, *arguments: object) -> None:
        return None


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)


def _sample(number: int) -> MeterSample:
    at = BEGIN + timedelta(seconds=number)
    return MeterSample(at, ReadingContext.SAMPLE_PERIODIC, 1000.0 + number, 50.0, 5000.0, 400.0, 12.5)


async def _charge(life: Life) -> None:
    """A whole transaction; half of it while the central system listens."""
    ledger = Ledger(EvseId(1))
    begin = ledger.start(TransactionId("tx-1"), _sample(0), TriggerReason.AUTHORIZED, 0.0, id_token=TOKEN)
    await life.commit(ledger, begin)
    await life.drain()
    charging = ledger.state_changed(ChargingState.CHARGING, _sample(1))
    assert charging is not None
    await life.commit(ledger, charging)
    await life.drain()
    for number in (2, 3, 4):
        await life.commit(ledger, ledger.sample(_sample(number)))
    await life.drain()
    await life.commit(ledger, ledger.end(_sample(5), TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL))
    await life.drain()


async def _wake_up(life: Life) -> None:
    """What the daemon does at start: end what was left open, then send what waits."""
    for text in life.store.kept(TRANSACTION_SPACE).values():
        ledger = Ledger(EvseId(1))
        state = LedgerState.from_json(text)
        record = ledger.restore(state, _sample(9), BEGIN + timedelta(seconds=9), StopReason.POWER_LOSS)
        await life.commit(ledger, replace(record, offline=True))
    await life.drain()


async def _live(life: Life, what: Any) -> bool:
    """Whether it came to its end before the power went."""
    try:
        await what(life)
    except PowerIsGone:
        return False
    finally:
        await life.end()
    return True


def _check(csms: Csms, acknowledged: list[int], patient: bool) -> None:
    heard: dict[int, set[str]] = {}
    first_time: list[int] = []
    for text in csms.frames:
        number = json.loads(text)[3]["seqNo"]
        if number not in heard:
            first_time.append(number)
        heard.setdefault(number, set()).add(text)
    if not heard:
        assert acknowledged == []  # the power went before anything of it was on the disk
        return
    assert first_time == list(range(len(first_time)))  # no hole, in order
    assert all(len(copies) == 1 for copies in heard.values())  # byte for byte
    assert set(acknowledged) <= set(heard)
    kinds = [json.loads(next(iter(heard[number])))[3]["eventType"] for number in sorted(heard)]
    assert kinds == ["Started", *["Updated"] * (len(kinds) - 2), "Ended"]
    if patient:
        assert len(csms.frames) - len(heard) <= 2  # one cut repeats one message at most


async def _story(tmp_path: Path, moods: list[str], cuts: list[int | None]) -> bool:
    """Lives with their cuts, then one without; whether the first cut came at all."""
    csms, acknowledged = Csms(moods=moods), list[int]()
    disks = [tmp_path / str(number) for number in range(len(cuts) + 2)]
    disks[0].mkdir()
    was_cut = False
    here = 0
    for number, cut in enumerate([*cuts, None]):
        life = Life(disks[here], disks[here + 1], csms, cut)
        done = await _live(life, _charge if number == 0 else _wake_up)
        acknowledged += life.acknowledged
        was_cut |= number == 0 and not done
        here += 0 if done else 1
    _check(csms, acknowledged, patient=not moods and len(cuts) == 1)
    last = Store.open(disks[here] / NAME)
    assert (last.outbox(), last.kept(TRANSACTION_SPACE)) == ((), {})
    last.close()
    return was_cut


async def test_at_every_point_of_a_charge(tmp_path: Path) -> None:
    for number in itertools.count():
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        if not await _story(folder, [], [number]):
            break  # the charge was over before that point
        shutil.rmtree(folder)
    assert number > 50


@pytest.mark.parametrize("seed", range(12))
async def test_again_and_again_with_a_moody_central_system(tmp_path: Path, seed: int) -> None:
    """Several cuts, also while waking up; lost answers, refusals and silence in between (below MessageAttempts)."""
    chance = random.Random(seed)
    moods = [chance.choice(("answer", "answer", "lost", "refuse", "silence")) for _ in range(4)]
    cuts: list[int | None] = [chance.randrange(60) for _ in range(4)]
    await _story(tmp_path, moods, cuts)
