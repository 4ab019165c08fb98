"""The caller: sends one CALL of ours over the present connection and hands what becomes of it to the station.

Used by the client (what is not kept) and by the outbox (what is). Raises ConnectionLost where there is no connection.
"""

from __future__ import annotations

import logging

from chargepoint.model.random_ids import RandomBytes, random_uuid
from chargepoint.ocpp.blocks.effects import Failure, NoAnswer, Send
from chargepoint.ocpp.connection import Connection, ConnectionLost, Outcome, failure
from chargepoint.ocpp.performer import Performer
from chargepoint.ocpp.rpc import CallFailed, CallTimedOut, ResultReceived, call_text
from chargepoint.ocpp.schemas import Payload, Schemas
from chargepoint.ocpp.station import Station
from chargepoint.ocpp.trace import Trace, in_short


class Caller:
    """One for the client's life; `connection` and `schemas` are of the present connection, set by the client."""

    def __init__(
        self,
        station: Station,
        performer: Performer,
        schemas: Schemas,
        trace: Trace,
        log: logging.Logger,
        random_bytes: RandomBytes,
    ) -> None:
        self._station = station
        self._performer = performer
        self._trace = trace
        self._log = log
        self._random_bytes = random_bytes
        self.schemas = schemas
        self.connection: Connection | None = None

    async def call(self, send: Send) -> Outcome | None:
        """Send a CALL that is not kept in the store, and take its answer in. None: it was not fit to be sent."""
        violation = self.schemas.check_request(send.action, send.payload)
        if violation is not None:
            self._log.error("! our %s: %s: %s", send.action, violation.code, violation.text)
            why = "this station's own message breaks its schema; see the log"
            await self._unanswered(send.action, send.payload, NoAnswer(Failure.UNSENT, why))
            return None
        unique_id = random_uuid(self._random_bytes)
        return await self.send(unique_id, send.action, call_text(unique_id, send.action, send.payload), send.payload)

    async def send(self, unique_id: str, action: str, text: str, payload: Payload) -> Outcome:
        """Send a CALL whose text was rendered before, and take its answer in."""
        if self.connection is None:
            raise ConnectionLost("not connected")
        self._trace.note(">", action, in_short(payload))
        asked_s = self._performer.own().monotonic_s

        async def take(outcome: Outcome) -> None:
            await self._take(action, payload, outcome, self._performer.own().monotonic_s - asked_s)

        return await self.connection.call(unique_id, action, text, take)

    async def _take(self, action: str, request: Payload, outcome: Outcome, round_trip_s: float) -> None:
        """What an answer, or its absence, means to the station."""
        match outcome:
            case ResultReceived(payload=payload, violation=None):
                self._trace.note("<", action, in_short(payload))
                await self._performer.step(
                    lambda own: self._station.answered(action, request, payload, own, round_trip_s)
                )
            case ResultReceived(violation=violation):
                self._log.warning("! answer to %s: %s", action, violation)
                self._trace.note("<", action, "invalid answer")
                await self._unanswered(action, request, NoAnswer(Failure.REFUSED, failure(outcome), "FormatViolation"))
            case CallFailed(code=code, text=text):
                self._log.warning("! %s was refused: %s %s", action, code, text)
                self._trace.note("<", action, code)
                await self._unanswered(action, request, NoAnswer(Failure.REFUSED, failure(outcome), code))
            case CallTimedOut():
                self._log.warning("! %s was not answered in time", action)
                self._trace.note("!", action, "not answered")
                await self._unanswered(action, request, NoAnswer(Failure.SILENCE, failure(outcome)))

    async def _unanswered(self, action: str, request: Payload, no_answer: NoAnswer) -> None:
        await self._performer.step(lambda own: self._station.unanswered(action, request, no_answer, own))
