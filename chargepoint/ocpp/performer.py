"""The performer: carries out the effects of the blocks in order, one step at a time.

A step is one call of the station's core and everything that follows from it. The next step begins when it is done: no block reads
kept state that another step is about to change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes
from typing import assert_never

from chargepoint.model.random_ids import RandomBytes, random_uuid
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CallRefusal,
    CancelJob,
    Effects,
    KeepFile,
    LimitsChanged,
    Order,
    Post,
    Reconnect,
    Send,
    Share,
    StartJob,
    WriteJournal,
    status,
)
from chargepoint.ocpp.job_runner import JobRunner
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import CallReceived, call_text
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.secrets_folder import SecretsFolder
from chargepoint.ocpp.station import Station
from chargepoint.ports import Clock, StationPort
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Enqueue, Journal, JournalEntry, Keep, OutboxKind, OutboxRow, Write


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out for a CALL, and what follows once it has left."""

    payload: Payload | CallRefusal
    then: Effects = ()


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where effects go that are neither the store's nor the station's."""

    send: Callable[[Send], None]
    posted: Callable[[], None]
    reconnect: Callable[[str], None]
    stepped: Callable[[], None]
    """A step is done: deadlines may have changed."""


class Performer:
    """`step` for everything that happens, `reply` for a CALL."""

    def __init__(
        self,
        station: Station,
        store: Store,
        port: StationPort,
        clock: Clock,
        jobs: JobRunner,
        outlets: Outlets,
        log: logging.Logger,
        secrets: SecretsFolder,
        random_bytes: RandomBytes = token_bytes,
    ) -> None:
        self._station = station
        self._store = store
        self._port = port
        self._clock = clock
        self._jobs = jobs
        self._outlets = outlets
        self._log = log
        self._secrets = secrets
        self._random_bytes = random_bytes
        self._turn = asyncio.Lock()

    def own(self) -> Moment:
        """This moment on the station's own clock."""
        return Moment(self._clock.monotonic_s(), self._clock.utc().timestamp())

    async def step(self, ask: Callable[[Moment], Effects]) -> None:
        """Ask the core, and carry out what it wants; then what is due by now.

        Where the disk does not take what is to be kept, the log says so and the blocks go on with it: it is lost with the process.
        """
        async with self._turn:
            await self._perform(ask(self.own()))
            await self._perform(self._station.tick(self.own()))
        self._outlets.stepped()

    async def reply(self, call: CallReceived) -> Reply:
        """The answer to a CALL: what it rests on is on the disk, and ordered. `then` is left to the caller."""
        async with self._turn:
            answer = self._station.handle(call, self.own())
            if isinstance(answer, CallRefusal):
                return Reply(answer)
            reply = await self._settle(call, answer)
        self._outlets.stepped()
        return reply

    async def _settle(self, call: CallReceived, answer: CallAnswer) -> Reply:
        keeps = [effect for effect in answer.effects if isinstance(effect, Keep)]
        undo = [self._station.kept.undoing(keep) for keep in keeps]
        try:
            if answer.ahead:
                await self._limit_ahead(answer, keeps, undo)
            else:
                await self._commit(answer.effects)
        except StoreError as error:
            self._log.error("! %s: %s", call.action, error)
            text = "the station could not store this"
            if answer.unstored:
                return Reply(status(answer.unstored, "InternalError", text))
            return Reply(CallRefusal("InternalError", text))
        if answer.order is not None:
            result = self._port.command(answer.order)
            if not result.accepted:
                await self._keep_anyway(tuple(undo))
                return Reply(status(answer.otherwise, result.reason_code or "InternalError", result.text))
        await self._do(tuple(one for one in answer.effects if not (answer.ahead and isinstance(one, LimitsChanged))))
        return Reply(answer.payload, answer.then)

    async def _limit_ahead(self, answer: CallAnswer, keeps: list[Keep], undo: list[Keep]) -> None:
        """Limits follow at once from what is kept; this returns when it is on the disk. Raises StoreError, and all is as before.

        A disk may take 100 ms. A process that is killed meanwhile has accepted nothing, and the lease of its demand runs out.
        """
        for keep in keeps:
            self._station.kept.take(keep)
        await self._perform(self._station.contributions(self.own()))
        try:
            await self._commit(answer.effects)
        except StoreError:
            for keep in reversed(undo):
                self._station.kept.take(keep)
            await self._perform(self._station.contributions(self.own()))
            raise

    # -- effects -------------------------------------------------------------------------------------------------------

    async def _perform(self, effects: Effects) -> None:
        if effects:
            await self._keep_anyway(effects)
            await self._do(effects)

    async def _keep_anyway(self, effects: Effects) -> None:
        try:
            await self._commit(effects)
        except StoreError as error:
            self._log.error("! %s", error)
            for effect in effects:
                if isinstance(effect, Keep):
                    self._station.kept.take(effect)
                elif isinstance(effect, KeepFile):
                    self._station.files.take(effect)

    async def _commit(self, effects: Effects) -> None:
        """Everything that must survive: new files, the rest as one database transaction, files that go; the mirrors follow.

        Where the database refuses, the new files have their earlier content again, and none has gone.
        """
        writes = [write for effect in effects if (write := self._write_of(effect)) is not None]
        files = [effect for effect in effects if isinstance(effect, KeepFile)]
        new = [effect for effect in files if effect.content is not None]
        before = [self._station.files.undoing(effect) for effect in new]
        try:
            await self._write_files(new)
            if writes:
                await self._store.commit(*writes)
        except StoreError:
            await self._write_files(before)
            raise
        for effect in files:
            self._station.files.take(effect)
        try:
            await self._write_files([effect for effect in files if effect.content is None])
        except StoreError as error:  # it is read again after the next start; nothing else rests on it
            self._log.error("! %s", error)
        for write in writes:
            if isinstance(write, Keep):
                self._station.kept.take(write)
        if any(isinstance(write, Enqueue) for write in writes):
            self._outlets.posted()

    async def _write_files(self, files: list[KeepFile]) -> None:
        for effect in files:
            await asyncio.to_thread(self._secrets.write, effect)

    def _write_of(self, effect: object) -> Write | None:
        match effect:
            case Keep():
                return effect
            case Post(action, payload):
                message_id = random_uuid(self._random_bytes)
                text = call_text(message_id, action, payload)
                return Enqueue(OutboxRow(message_id, action, text, OutboxKind.OTHER))
            case WriteJournal(kind, text):
                return Journal(JournalEntry(self._clock.utc(), kind, text))
            case _:
                return None

    async def _do(self, effects: Effects) -> None:
        for effect in effects:
            match effect:
                case Keep() | KeepFile() | Post():
                    pass  # committed
                case WriteJournal(kind, text):
                    self._log.log(logging.WARNING if kind == "!" else logging.INFO, "%s %s", kind, text)
                case Order(command):
                    result = self._port.command(command)
                    if not result.accepted:
                        self._log.warning("! the station refuses %s: %s", type(command).__name__, result.text)
                case Send():
                    self._outlets.send(effect)
                case Share(event):
                    await self._perform(self._station.informed(event, self.own()))
                case LimitsChanged():
                    await self._perform(self._station.contributions(self.own()))
                case StartJob(name, job):
                    self._jobs.start(name, job)
                case CancelJob(name):
                    self._jobs.cancel(name)
                case Reconnect(why):
                    self._outlets.reconnect(why)
                case _:
                    assert_never(effect)
