"""The OCPP client: keeps the station connected, sends its messages, answers CALLs. The asyncio shell around `Station`.

Owns the order in which messages go out that are not kept, and the answers to the central system's CALLs. Connecting is
`link`'s, what is kept is `outbox`'s, every decision is in a core: `station`, `rpc`, `delivery`, `back_off`. Queues are
bounded: follow-up messages at `FOLLOW_UPS_MAX` (the newest is dropped, and the log says so), connector states one per connector,
everything else in the store's outbox.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from dataclasses import replace

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.car_questions import AuthorizeContract, CertificateRelayed, ContractJudged, InstallCertificate
from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import AuthorizationStatus, ConnectorStatusChanged, TokenVerdict
from chargepoint.model.transactions import MeterSample, ReadingContext, TransactionRecord
from chargepoint.ocpp import credentials
from chargepoint.ocpp.blocks import (
    authorization,
    availability,
    contracts,
    ev_certificates,
    meter_values,
    security,
    transactions,
)
from chargepoint.ocpp.blocks.context import Outgoing
from chargepoint.ocpp.caller import Caller, WakeUps
from chargepoint.ocpp.connection import Connection, ConnectionLost, failure
from chargepoint.ocpp.link import Link
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.outbox import Outbox, payload_of
from chargepoint.ocpp.rpc import CallReceived, CallTimedOut, ResultReceived, Rpc
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.station import RESPONDERS, CallRefusal, Station, Stored
from chargepoint.ocpp.token_cache import status_at
from chargepoint.ocpp.trace import Trace, in_short
from chargepoint.ocpp.version import VERSIONS, OcppVersion
from chargepoint.ports import Clock, StationPort
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Enqueue, OutboxRow, Write

FOLLOW_UPS_MAX = 512
_WAITS_FOR_ACCEPTANCE = frozenset({"ReportChargingProfiles"})
"""Follow-ups that B02.FR.02 does not count among those a station may send before it is accepted."""


class OcppClient:
    """The station's side of OCPP. Raises CredentialsError where the configuration does not fit together."""

    def __init__(
        self,
        csms: CsmsSection,
        station: StationSection,
        store: Store,
        port: StationPort,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        if csms.enabled:
            credentials.check(csms)
        self._csms = csms
        self._store = store
        self._clock = clock
        self._log = log
        self._version: OcppVersion = VERSIONS[csms.versions[0]]
        self._schemas = Schemas(self._version)
        stored = Stored(store.variables(), store.profiles(), store.tokens(), store.availability())
        self._station = Station(csms, station, port, stored, self._messages_waiting, self._version)
        for line in self._station.profiles.unreadable:
            log.error("! stored %s", line)
        self._wake_ups = WakeUps()
        self._trace = Trace(clock, log)
        self._caller = Caller(self._station, self._schemas, clock, self._trace, log, self._wake_ups, self._keep)
        self._outbox = Outbox(store, self._station, self._caller, clock, log, self._wake_ups.drain)
        self._link = Link(csms, self._station.model, self._talk, log)
        self._rpc: Rpc | None = None
        self._offline_since_s = clock.monotonic_s()
        self._follow_ups: deque[Outgoing] = deque()

    # -- for the app -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep connected until cancelled. Everything else works before, during and without it."""
        self._station.restore()
        self._wake_ups.changed.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_contributing(), name="ocpp-contribute")
            if self._csms.enabled:
                await self.security_event("StartupOfTheDevice")
                group.create_task(self._link.run(), name="ocpp-connect")

    async def status_changed(self, change: ConnectorStatusChanged) -> None:
        """A connector's status; while offline only the latest per connector is kept."""
        self._station.board.changed(replace(change, at_utc=change.at_utc + self._station.clock_correction))
        self._wake_ups.send.set()

    async def authorize(self, token: IdToken, evse_id: EvseId) -> TokenVerdict:
        """Ask for a token shown at this EVSE: the central system if it answers within call_timeout_s, else by the device model (C15)."""
        why = self._why_not_online()
        if self.online:
            known = authorization.before_asking(token, evse_id, self._station.context, self._now())
            if known is not None:
                return TokenVerdict(known)
            payload = {"idToken": authorization.token_on_wire(token)}
            outcome, why = await self._ask(Outgoing("Authorize", payload))
            if outcome is not None:
                return TokenVerdict(status_at(outcome.payload["idTokenInfo"], evse_id))
            self._log.warning("! Authorize: %s; deciding without the central system", why)
        status = authorization.without_csms(token, evse_id, self._station.context, self._now())
        return TokenVerdict(status, why if status is AuthorizationStatus.UNKNOWN else "")

    async def authorize_contract(self, contract: AuthorizeContract, evse_id: EvseId) -> ContractJudged:
        """Ask about a car's contract: the central system if it answers within call_timeout_s, else by the device model (C07)."""
        context, why = self._station.context, self._why_not_online()
        if self.online:
            payload = contracts.request(contract, context)
            if isinstance(payload, contracts.NotAsked):
                return payload.judged
            outcome, why = await self._ask(Outgoing("Authorize", payload))
            if outcome is not None:
                return contracts.judged(contract, outcome.payload, evse_id)
            self._log.warning("! Authorize of a contract: %s; deciding without the central system", why)
        return contracts.without_csms(contract, evse_id, context, self._now(), why)

    async def install_certificate(self, question: InstallCertificate) -> CertificateRelayed:
        """Relay a car's request for a contract certificate. Without an answer in call_timeout_s there is no certificate."""
        if not self.online:
            return CertificateRelayed(None, reason=self._why_not_online())
        outcome, why = await self._ask(
            Outgoing(ev_certificates.ACTION, ev_certificates.request(question, self._version))
        )
        return CertificateRelayed(None, reason=why) if outcome is None else ev_certificates.relayed(outcome.payload)

    async def _ask(self, outgoing: Outgoing) -> tuple[ResultReceived | None, str]:
        """The answer to a CALL that somebody waits for; None where there is none in call_timeout_s, and why, in words."""
        try:
            async with asyncio.timeout(self._csms.call_timeout_s):
                outcome = await self._caller.call(outgoing)
        except ConnectionLost:
            return None, "the connection to the central system was lost before it answered"
        except TimeoutError:
            return None, f"the central system did not answer within {self._csms.call_timeout_s:g} s"
        if isinstance(outcome, ResultReceived) and outcome.violation is None:
            return outcome, ""
        if outcome is None:
            return None, f"{outgoing.action} cannot be sent: its content does not fit OCPP; see the log"
        return None, failure(outcome)

    def _why_not_online(self) -> str:
        if not self._csms.enabled:
            return "there is no central system, and nothing known here permits this token"
        if self._caller.connection is None:
            return "no connection to the central system, and nothing known here permits this token"
        return "the central system has not accepted this station yet"

    def outbox_row(self, record: TransactionRecord) -> OutboxRow:
        """The record as its message, to be committed together with the ledger's state. Changes nothing here."""
        record = transactions.at_csms_clock(record, self._station.clock_correction)
        row = transactions.outbox_row(record, self._station.model, offline=not self.online)
        violation = self._schemas.check_request(row.action, payload_of(row))
        if violation is not None:  # a record is billed and goes out whatever we think of its form
            self._log.error("! %s seqNo %d: %s: %s", row.action, record.seq_no, violation.code, violation.text)
        return row

    def outbox_changed(self) -> None:
        """Rows were committed: send them."""
        self._wake_ups.drain.set()

    def states_changed(self) -> None:
        """Some EvseState changed: profiles follow their transactions (K02.FR.05), limits are given anew."""
        self._wake_ups.changed.set()
        self._wake_ups.send.set()  # an EVSE may have been heard for the first time

    async def meter_values(self, evse_id: EvseId, sample: MeterSample) -> None:
        """A reading outside a transaction, or one asked for; dropped while offline (QueueAllMessages is false)."""
        key = "AlignedDataCtrlr/Measurands"
        if sample.context not in (ReadingContext.SAMPLE_CLOCK, ReadingContext.TRIGGER):
            key = "SampledDataCtrlr/TxUpdatedMeasurands"
        sample = replace(sample, at_utc=sample.at_utc + self._station.clock_correction)
        payload = meter_values.meter_values_request(evse_id, sample, self._station.model.members(key))
        pending = self._caller.connection is not None and self._station.registration.pending
        asked = pending and sample.context is ReadingContext.TRIGGER  # B02.FR.02: what TriggerMessage asked for
        if payload is not None and (self.online or asked):
            self._follow_up(Outgoing("MeterValues", payload))

    async def security_event(self, kind: str, text: str = "") -> None:
        """A security event, stored until the central system has it. Raises nothing: a full store is written to the log."""
        row = security.security_event(kind, text, str(uuid.uuid4()), self._now())
        await self._keep(Enqueue(row))
        self._wake_ups.drain.set()

    def variable(self, key: str) -> str:
        """A variable's present value for the app, e.g. `TxCtrlr/EVConnectionTimeOut`. Raises KeyError for an unknown key."""
        return self._station.model.text(key)

    def sampling_intervals(self) -> tuple[int, int]:
        """Seconds for the ledger: (TxUpdatedInterval, clock-aligned interval), 0 where switched off."""
        model = self._station.model
        sampled = model.integer("SampledDataCtrlr/TxUpdatedInterval") if model.flag("SampledDataCtrlr/Enabled") else 0
        aligned = model.integer("AlignedDataCtrlr/Interval") if model.flag("AlignedDataCtrlr/Enabled") else 0
        return sampled, aligned

    @property
    def online(self) -> bool:
        """Connected, and the central system has accepted this station."""
        return self._caller.connection is not None and self._station.registration.accepted

    def snapshot(self) -> dict[str, object]:
        """For the page and the diagnostics: JSON-able, no secrets."""
        registration = self._station.registration
        return {
            "enabled": self._csms.enabled,
            "url": self._csms.url,
            "identity": self._csms.identity,
            "version": self._version.subprotocol,
            "connected": self._caller.connection is not None,
            "boot_status": None if registration.status is None else registration.status.value,
            "boot_trouble": registration.trouble or None,
            "boot_again_in_s": registration.again_in_s(self._clock.monotonic_s()),
            "outbox_depth": self._store.outbox_depth(),
            "heartbeat_interval_s": registration.heartbeat_interval_s,
            "clock_offset_s": round(registration.clock_offset_s, 3),
            "charging_profiles": len(self._station.profiles),
            "messages": self._trace.snapshot(),
        }

    # -- connected ---------------------------------------------------------------------------------------------------

    async def _talk(self, socket: ClientConnection) -> None:
        """Everything that happens on one connection; ends with ConnectionLost."""
        self._rpc = Rpc(self._version, self._schemas, frozenset(RESPONDERS), self._csms.call_timeout_s)
        connection = Connection(socket, self._rpc, self._clock, self._log, self._on_call, self._csms.call_timeout_s)
        offline_s = self._clock.monotonic_s() - self._offline_since_s
        self._log.info("* connected to %s as %s (%s)", self._csms.url, self._csms.identity, self._version.subprotocol)
        threshold_s = self._station.model.integer("OCPPCommCtrlr/OfflineThreshold")
        if self._station.registration.accepted and offline_s > threshold_s:
            self._station.report_all_connectors(self._caller.own())  # B04.FR.01
        self._follow_ups.clear()
        self._wake_ups.send.set()
        self._wake_ups.drain.set()
        self._caller.connection = connection
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(connection.run(), name="ocpp-connection")
                group.create_task(self._keep_sending(), name="ocpp-send")
                group.create_task(self._outbox.drain(), name="ocpp-drain")
        except* (ConnectionLost, OSError, TimeoutError, WebSocketException) as group_error:
            raise ConnectionLost(connection.why_lost or str(group_error.exceptions[0])) from None
        finally:
            self._offline_since_s = self._clock.monotonic_s()
            self._caller.connection = None

    # -- the central system asks -------------------------------------------------------------------------------------

    async def _on_call(self, call: CallReceived) -> None:
        """Commit, apply, answer, then what follows; in the order of arrival, one at a time."""
        rpc, connection = self._rpc, self._caller.connection
        if rpc is None or connection is None:
            return
        self._trace.note("<", call.action, in_short(call.payload))
        try:
            answer = self._station.handle(call, self._caller.own())
            if isinstance(answer, CallRefusal):
                rpc.refuse(call.unique_id, answer.code, answer.text)
                self._trace.note(">", call.action, answer.code)
                return
            if answer.writes:
                await self._store.commit(*answer.writes)
        except StoreError as error:
            self._log.error("! %s: %s", call.action, error)
            rpc.refuse(call.unique_id, "InternalError", "the station could not store this")
            return
        except Exception:
            self._log.exception("! %s: our mistake", call.action)
            rpc.refuse(call.unique_id, "InternalError", "the station made a mistake")
            return
        answer.apply()
        violation = rpc.respond(call, answer.payload)
        if violation is not None:
            self._log.error("! our answer to %s: %s: %s", call.action, violation.code, violation.text)
        self._trace.note(">", call.action, in_short(answer.payload))
        await connection.flush()
        answer.after()
        for outgoing in answer.then:
            self._follow_up(outgoing)
        if answer.reevaluate:
            self._wake_ups.changed.set()

    def _follow_up(self, outgoing: Outgoing) -> None:
        if len(self._follow_ups) >= FOLLOW_UPS_MAX:
            self._log.error("! %s dropped: %d messages are waiting", outgoing.action, FOLLOW_UPS_MAX)
            return
        self._follow_ups.append(outgoing)
        self._wake_ups.send.set()

    def _next_follow_up(self) -> Outgoing | None:
        accepted = self._station.registration.accepted
        for number, outgoing in enumerate(self._follow_ups):
            if accepted or outgoing.action not in _WAITS_FOR_ACCEPTANCE:
                del self._follow_ups[number]
                return outgoing
        return None

    # -- we send -----------------------------------------------------------------------------------------------------

    async def _keep_sending(self) -> None:
        """BootNotification, follow-ups, connector states, Heartbeat: what is not kept over a restart."""
        while True:
            self._wake_ups.send.clear()
            if not await self._send_next():
                deadline_s = self._station.deadline_s
                wait_s = None if deadline_s is None else max(0.0, deadline_s - self._clock.monotonic_s())
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake_ups.send.wait()
                except TimeoutError:
                    continue

    async def _send_next(self) -> bool:
        """Send one message if one is due."""
        outgoing_due = self._station.due(self._caller.own())
        if outgoing_due is not None and outgoing_due.action == "BootNotification":
            if await self._caller.call(outgoing_due) is None:  # it was not sent: without a pause this would spin
                why = "this station's own BootNotification breaks its schema; see the log"
                self._station.registration.failed(self._clock.monotonic_s(), why)
            return True
        outgoing = self._next_follow_up()
        if outgoing is not None:
            triggered = outgoing.action == "BootNotification"
            await self._caller.call(self._station.boot_request(triggered=True) if triggered else outgoing)
            return True
        if not self._station.registration.accepted:  # B02.FR.02
            return False
        for change in self._station.connectors_due(self._caller.own()):
            outcome = await self._caller.call(Outgoing("StatusNotification", availability.status_notification(change)))
            if not isinstance(outcome, CallTimedOut):  # a refusal is an answer too
                self._station.board.reported(change)
            return True
        if outgoing_due is not None:
            self._station.registration.beat(self._clock.monotonic_s())
            await self._caller.call(outgoing_due)
            return True
        return False

    async def _keep(self, *writes: Write) -> None:
        """Commit if possible; a failure goes to the log and does not stop the station."""
        try:
            await self._store.commit(*writes)
        except StoreError as error:
            self._log.error("! %s", error)

    # -- limits ------------------------------------------------------------------------------------------------------

    async def _keep_contributing(self) -> None:
        """Profiles follow transactions; limits go to the arbiter at every boundary and before they expire."""
        while True:
            self._wake_ups.changed.clear()
            change = self._station.follow_transactions(self._caller.own())
            if change is not None:
                await self._keep(*change.writes)
                change.apply()
            again_s = self._station.contribute(self._caller.own())
            try:
                async with asyncio.timeout(min(max(0.0, again_s - self._clock.monotonic_s()), 3600.0)):
                    await self._wake_ups.changed.wait()
            except TimeoutError:
                continue

    # -- inside ------------------------------------------------------------------------------------------------------

    def _now(self) -> Moment:
        return self._station.at(self._caller.own())

    def _messages_waiting(self, transaction_id: str | None) -> int:
        return (
            self._store.transaction_messages() if transaction_id is None else self._store.outbox_depth(transaction_id)
        )
