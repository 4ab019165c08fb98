"""The outbox: what must reach the central system, sent in order, one by one, deleted when it was answered.

The rows are the store's; what to do after each attempt is decided in `delivery`. A row stays until a commit has taken it
away: whatever happens in between, it is sent again byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from chargepoint.model.ids import IdTokenType
from chargepoint.ocpp.blocks.effects import Send
from chargepoint.ocpp.connection import Outcome
from chargepoint.ocpp.delivery import Discard, RetryAt, after_refusal, after_silence
from chargepoint.ocpp.rpc import CallFailed, CallTimedOut, ResultReceived, call_text
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.station import Station
from chargepoint.ports import Clock
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Delivered, Journal, JournalEntry, MarkLate, MarkRefused, OutboxKind, OutboxRow, Write

_STORE_RETRY_S = 5.0


class Sender(Protocol):
    """What the outbox needs of `Caller`. Both raise ConnectionLost."""

    async def send(self, unique_id: str, action: str, text: str, payload: Payload) -> Outcome:
        """Send a rendered CALL."""

    async def call(self, send: Send) -> Outcome | None:
        """Send any CALL."""


class Outbox:
    """`drain` runs as long as a connection; `bell` is set when rows were committed or the registration changed."""

    def __init__(
        self,
        store: Store,
        station: Station,
        sender: Sender,
        clock: Clock,
        log: logging.Logger,
        bell: asyncio.Event,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._station = station
        self._sender = sender
        self._clock = clock
        self._log = log
        self._bell = bell
        self._sleep = sleep
        self._answered_position = 0
        self._sent: int | None = None
        """Position of the row sent last; None: none in this process."""
        self._deletion: asyncio.Future[None] | None = None
        """Of the row answered last. It goes to the disk while the next row is on its way; there is never more than one."""

    async def drain(self) -> None:
        """The oldest row first, the next only when it was answered. Ends with ConnectionLost."""
        await self._deleted()
        await self._insist(MarkLate(self._sent_position()))  # what waited while there was no connection (E11.FR.07)
        while True:
            self._bell.clear()
            row = None
            if self._station.registration.accepted_now:
                row = self._store.outbox_head(after=self._answered_position)
            if row is None:
                await self._deleted()
                await self._bell.wait()
            else:
                await self._deliver(row)

    def _sent_position(self) -> int:
        """No row behind this position was ever on the wire.

        In a new process that is the second oldest row: the oldest may be one whose deletion was still on its way to the disk.
        """
        if self._sent is not None:
            return self._sent
        oldest = self._store.outbox_head()
        second = None if oldest is None else self._store.outbox_head(after=oldest.position)
        return 0 if oldest is None else oldest.position if second is None else second.position

    async def _deliver(self, row: OutboxRow) -> None:
        text, payload = on_wire(row)
        self._sent = row.position
        outcome = await self._sender.send(row.message_id, row.action, text, payload)
        if isinstance(outcome, ResultReceived):
            await self._deleted()
            self._answered_position = row.position
            self._deletion = self._deletion_of(row.position)
            return
        await self._deleted()
        answers_others = False
        if isinstance(outcome, CallTimedOut):
            # Is it this message, or is it the central system? Only the first counts (E13).
            answers_others = isinstance(await self._sender.call(Send("Heartbeat", {})), ResultReceived | CallFailed)
        step = self._after(row, outcome, answers_others)
        if isinstance(step, Discard):
            text = f"OCPP: {row.action} {row.transaction_id} discarded: {step.reason}: {_for_the_journal(row.text, payload)}"
            self._log.error("! %s %s discarded: %s", row.action, row.transaction_id, step.reason)
            await self._insist(Delivered(row.position), Journal(JournalEntry(self._clock.utc(), "!", text)))
            return
        if step.row.attempts != row.attempts:
            await self._insist(MarkRefused(row.position, step.row.attempts))
        await self._sleep(max(0.0, step.at_s - self._clock.monotonic_s()))

    def _after(self, row: OutboxRow, outcome: CallFailed | CallTimedOut, answers_others: bool) -> RetryAt | Discard:
        model, prefix = self._station.model, "OCPPCommCtrlr/MessageAttempt"
        attempts_max = model.integer(f"{prefix}s[TransactionEvent]")
        interval_s = float(model.integer(f"{prefix}Interval[TransactionEvent]"))
        now_s = self._clock.monotonic_s()
        if isinstance(outcome, CallFailed):
            return after_refusal(row, outcome.code, attempts_max, interval_s, now_s)
        return after_silence(row, answers_others, attempts_max, interval_s, now_s)

    def _deletion_of(self, position: int) -> asyncio.Future[None]:
        try:
            return self._store.hand_in(Delivered(position))
        except StoreError as error:
            refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused

    async def _deleted(self) -> None:
        """The row answered last is gone from the disk."""
        deletion, self._deletion = self._deletion, None
        if deletion is None:
            return
        try:
            await deletion
        except StoreError as error:
            self._log.error("! %s", error)
            await self._insist(Delivered(self._answered_position))

    async def _insist(self, *writes: Write) -> None:
        """Commit, as often as it takes: a row that was answered must not be sent again for want of disk space."""
        while True:
            try:
                return await self._store.commit(*writes)
            except StoreError as error:
                self._log.error("! %s; again in %.0f s", error, _STORE_RETRY_S)
                await self._sleep(_STORE_RETRY_S)


def on_wire(row: OutboxRow) -> tuple[str, Payload]:
    """The text that goes out for a row, and the payload in it: the same each time.

    A late transaction message says `"offline": true` (E04.FR.03, E11.FR.07).
    """
    message = json.loads(row.text)
    payload: Payload = message[3]
    if not row.late or row.kind is not OutboxKind.TRANSACTION or "offline" in payload:
        return row.text, payload
    payload["offline"] = True
    return call_text(row.message_id, row.action, payload), payload


def _for_the_journal(text: str, payload: Payload) -> str:
    """The message without its key code, which no log may show (C04.FR.04)."""
    token = payload.get("idToken", {})
    if token.get("type") != IdTokenType.KEY_CODE.value:
        return text
    return text.replace(json.dumps(token["idToken"], ensure_ascii=False), '"…"')
