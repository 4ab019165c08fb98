"""The caller: sends one CALL of ours over the present connection and takes in what becomes of it.

Used by the client (what is not kept) and by the outbox (what is). Raises ConnectionLost where there is no connection.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chargepoint.ocpp.blocks.context import Outgoing
from chargepoint.ocpp.connection import Connection, ConnectionLost, Outcome, failure
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import CallFailed, CallTimedOut, ResultReceived, call_text
from chargepoint.ocpp.schemas import Payload, Schemas
from chargepoint.ocpp.station import Station
from chargepoint.ocpp.trace import Trace, in_short
from chargepoint.ports import Clock
from chargepoint.store.rows import Journal, JournalEntry, Write


@dataclass(frozen=True, slots=True)
class WakeUps:
    """Events that wake the client's loops.

    `send`: a message that is not stored is waiting. `drain`: the outbox has rows. `changed`: limits or transactions changed.
    """

    send: asyncio.Event = field(default_factory=asyncio.Event)
    drain: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Caller:
    """One for the client's life; `connection` is the present one, set by the link. `keep` commits what was learned."""

    def __init__(
        self,
        station: Station,
        schemas: Schemas,
        clock: Clock,
        trace: Trace,
        log: logging.Logger,
        wake_ups: WakeUps,
        keep: Callable[..., Awaitable[None]],
    ) -> None:
        self._station = station
        self._schemas = schemas
        self._clock = clock
        self._trace = trace
        self._log = log
        self._wake_ups = wake_ups
        self._keep = keep
        self.connection: Connection | None = None

    def own(self) -> Moment:
        """This moment on the station's own clock, uncorrected."""
        return Moment(self._clock.monotonic_s(), self._clock.utc().timestamp())

    async def call(self, outgoing: Outgoing) -> Outcome | None:
        """Send a CALL that is not kept in the store, and take its answer in. None: it was not fit to be sent."""
        violation = self._schemas.check_request(outgoing.action, outgoing.payload)
        if violation is not None:
            self._log.error("! our %s: %s: %s", outgoing.action, violation.code, violation.text)
            return None
        unique_id = str(uuid.uuid4())
        return await self.send(
            unique_id, outgoing.action, call_text(unique_id, outgoing.action, outgoing.payload), outgoing.payload
        )

    async def send(self, unique_id: str, action: str, text: str, payload: Payload) -> Outcome:
        """Send a CALL whose text was rendered before, and take its answer in."""
        if self.connection is None:
            raise ConnectionLost("not connected")
        self._trace.note(">", action, in_short(payload))
        outcome = await self.connection.call(unique_id, action, text)
        await self._take(action, payload, outcome)
        return outcome

    async def _take(self, action: str, request: Payload, outcome: Outcome) -> None:
        """What an answer, or its absence, means to the station."""
        match outcome:
            case ResultReceived(payload=payload, violation=None):
                self._trace.note("<", action, in_short(payload))
                await self._learn(action, request, payload)
            case ResultReceived(violation=violation):
                self._log.warning("! answer to %s: %s", action, violation)
                self._trace.note("<", action, "invalid answer")
                self._station.refused(action, "FormatViolation", self.own(), failure(outcome))
            case CallFailed(code=code, text=text):
                self._log.warning("! %s was refused: %s %s", action, code, text)
                self._trace.note("<", action, code)
                self._station.refused(action, code, self.own(), failure(outcome))
            case CallTimedOut():
                self._log.warning("! %s was not answered in time", action)
                self._trace.note("!", action, "not answered")
                self._station.refused(action, "", self.own(), failure(outcome))
        self._wake_ups.send.set()

    async def _learn(self, action: str, request: Payload, response: Payload) -> None:
        before = self._station.registration.status
        writes: tuple[Write, ...] = self._station.answered(action, request, response, self.own())
        if action == "BootNotification" and self._station.registration.status is not before:
            self._log.info("= registration: %s", response["status"])
            text = f"OCPP: registration {response['status']}"
            writes = (*writes, Journal(JournalEntry(self._clock.utc(), "*", text)))
        if writes:
            await self._keep(*writes)
        if action == "BootNotification":
            self._wake_ups.send.set()
            self._wake_ups.drain.set()
        if "idTokenInfo" in response:
            self._wake_ups.changed.set()  # a token that is not accepted gets no energy
