"""The OCPP client: keeps the station connected, told and obedient. The asyncio shell around `Station`.

Owns connecting again and again, the order in which messages go out, and the draining of the outbox. Every decision is
in a core: `station`, `rpc`, `delivery`, `back_off`. Queues are bounded: follow-up messages at `FOLLOW_UPS_MAX` (the
newest is dropped and told), connector states one per connector, everything else in the store's outbox.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import uuid
from collections import deque
from datetime import datetime

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import AuthorizationStatus, ConnectorStatusChanged
from chargepoint.model.transactions import MeterSample, ReadingContext, TransactionRecord
from chargepoint.ocpp import credentials
from chargepoint.ocpp.back_off import BackOff, BackOffSettings
from chargepoint.ocpp.blocks import authorization, availability, meter_values, security, transactions
from chargepoint.ocpp.blocks.context import Outgoing
from chargepoint.ocpp.connection import Connection, ConnectionLost, Outcome
from chargepoint.ocpp.delivery import Discard, RetryAt, after_refusal, after_silence
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import CallFailed, CallReceived, CallTimedOut, ResultReceived, Rpc, call_text
from chargepoint.ocpp.schemas import Payload, Schemas
from chargepoint.ocpp.station import RESPONDERS, Refusal, Station, Stored
from chargepoint.ocpp.station_port import StationPort
from chargepoint.ocpp.version import VERSIONS, OcppVersion
from chargepoint.ports import Clock
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Delivered, Enqueue, Journal, JournalEntry, OutboxRow, Refused, Write

FOLLOW_UPS_MAX = 512
TRACE_LINES = 20
_MAX_FRAME_BYTES = 1 << 20
_STORE_RETRY_S = 5.0
_QUIET = frozenset(
    {"Heartbeat", "MeterValues", "NotifyReport", "GetVariables", "GetCompositeSchedule", "ReportChargingProfiles"}
)
"""Actions that would drown a session's story at INFO."""


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
        self._socket_log = log.getChild("websocket")
        self._socket_log.setLevel(logging.INFO)  # its DEBUG lines carry the handshake, and with it the password
        self._version: OcppVersion = VERSIONS[csms.versions[0]]
        self._schemas = Schemas(self._version)
        stored = Stored(store.variables(), store.profiles(), store.tokens(), store.availability())
        self._station = Station(csms, station, port, stored, self._messages_waiting, self._version)
        for line in self._station.profiles.unreadable:
            log.error("! stored %s", line)
        self._back_off = BackOff()
        self._connection: Connection | None = None
        self._rpc: Rpc | None = None
        self._offline_since_s = clock.monotonic_s()
        self._follow_ups: deque[Outgoing] = deque()
        self._tell = asyncio.Event()
        self._drain = asyncio.Event()
        self._changed = asyncio.Event()
        self._trace: deque[tuple[datetime, str, str, str]] = deque(maxlen=TRACE_LINES)

    # -- for the app -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep connected until cancelled. Everything else works before, during and without it."""
        self._station.restore()
        self._changed.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_contributing(), name="ocpp-contribute")
            if self._csms.enabled:
                await self.security_event("StartupOfTheDevice")
                group.create_task(self._stay_connected(), name="ocpp-connect")

    async def status_changed(self, change: ConnectorStatusChanged) -> None:
        """A connector's status; while offline only the latest per connector is kept."""
        self._station.board.changed(change)
        self._tell.set()

    async def authorize(self, token: IdToken) -> AuthorizationStatus:
        """Ask for a token: the central system if it answers within call_timeout_s, else by the device model (C15)."""
        if self.online:
            known = authorization.before_asking(token, self._station.context, self._now())
            if known is not None:
                return known
            payload = {"idToken": authorization.token_on_wire(token)}
            try:
                async with asyncio.timeout(self._csms.call_timeout_s):
                    outcome = await self._call(Outgoing("Authorize", payload))
                if isinstance(outcome, ResultReceived) and outcome.violation is None:
                    return AuthorizationStatus(outcome.payload["idTokenInfo"]["status"])
            except (ConnectionLost, TimeoutError):
                pass
            self._log.warning("! no answer to Authorize, deciding without the central system")
        return authorization.without_csms(token, self._station.context, self._now())

    def outbox_row(self, record: TransactionRecord) -> OutboxRow:
        """The record as its message, to be committed together with the ledger's state. Changes nothing here."""
        row = transactions.outbox_row(record, self._station.model, offline=not self.online)
        payload = transactions.event_payload(record, self._station.model, offline=not self.online)
        violation = self._schemas.check_request(row.action, payload)
        if violation is not None:  # a record is billed and goes out whatever we think of its form
            self._log.error("! %s seqNo %d: %s: %s", row.action, record.seq_no, violation.code, violation.text)
        return row

    def outbox_changed(self) -> None:
        """Rows were committed: send them."""
        self._drain.set()

    def states_changed(self) -> None:
        """Some EvseState changed: profiles follow their transactions, limits are given anew."""
        self._changed.set()

    def transaction_ended(self, evse_id: EvseId) -> None:
        """A transaction ended: its TxProfile goes (K02.FR.05). The same as `states_changed`."""
        self._changed.set()

    async def meter_values(self, evse_id: EvseId, sample: MeterSample) -> None:
        """A reading outside a transaction, or one asked for; dropped while offline (QueueAllMessages is false)."""
        key = "AlignedDataCtrlr/Measurands"
        if sample.context not in (ReadingContext.SAMPLE_CLOCK, ReadingContext.TRIGGER):
            key = "SampledDataCtrlr/TxUpdatedMeasurands"
        payload = meter_values.meter_values_request(evse_id, sample, self._station.model.members(key))
        if self.online:
            self._follow_up(Outgoing("MeterValues", payload))

    async def security_event(self, kind: str, text: str = "") -> None:
        """A security event, kept until told. Raises nothing: a full store is told in the log."""
        row = security.security_event(kind, text, str(uuid.uuid4()), self._now())
        await self._keep(Enqueue(row))
        self._drain.set()

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
        return self._connection is not None and self._station.registration.accepted

    def snapshot(self) -> dict[str, object]:
        """For the page and the diagnostics: JSON-able, no secrets."""
        registration = self._station.registration
        return {
            "enabled": self._csms.enabled,
            "url": self._csms.url,
            "identity": self._csms.identity,
            "version": self._version.subprotocol,
            "connected": self._connection is not None,
            "boot_status": None if registration.status is None else registration.status.value,
            "outbox_depth": self._store.outbox_depth(),
            "heartbeat_interval_s": registration.heartbeat_interval_s,
            "clock_offset_s": round(registration.clock_offset_s, 3),
            "charging_profiles": len(self._station.profiles),
            "messages": [
                {"at_utc": at.isoformat(), "direction": direction, "action": action, "text": text}
                for at, direction, action, text in self._trace
            ],
        }

    # -- connecting --------------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect_once()
            except (ConnectionLost, OSError, TimeoutError, WebSocketException, credentials.CredentialsError) as error:
                why = str(error) or type(error).__name__
                delay_s = self._back_off.next_delay_s(self._back_off_settings(), random.random())  # noqa: S311
                self._log.warning("! central system: %s; again in %.1f s", why, delay_s)
                await asyncio.sleep(delay_s)
            except Exception:  # a mistake of ours on this connection must not end a charge in progress
                self._log.exception("! connection ended by our mistake")
                await asyncio.sleep(max(1.0, self._csms.reconnect_min_s))

    async def _connect_once(self) -> None:
        """One connection from handshake to loss; always leaves by an exception."""
        ping_s = self._csms.ping_interval_s  # the configuration's fraction counts until the variable is set
        if self._station.model.was_set("OCPPCommCtrlr/WebSocketPingInterval"):
            ping_s = float(self._station.model.integer("OCPPCommCtrlr/WebSocketPingInterval"))
        socket = await connect(
            credentials.endpoint(self._csms),
            subprotocols=[Subprotocol(name) for name in self._csms.versions],
            additional_headers=credentials.headers(self._csms),
            ssl=await asyncio.to_thread(credentials.tls, self._csms),
            compression=None,
            proxy=None,
            user_agent_header=None,
            open_timeout=self._csms.call_timeout_s,
            ping_interval=ping_s or None,
            ping_timeout=self._csms.call_timeout_s,
            close_timeout=2.0,
            max_size=_MAX_FRAME_BYTES,
            logger=self._socket_log,
        )
        try:
            if socket.subprotocol not in self._csms.versions:
                raise ConnectionLost(
                    f"it chose sub-protocol {socket.subprotocol}, we speak {', '.join(self._csms.versions)}"
                )
            self._rpc = Rpc(self._version, self._schemas, frozenset(RESPONDERS), self._csms.call_timeout_s)
            connection = Connection(socket, self._rpc, self._clock, self._log, self._on_call, self._csms.call_timeout_s)
            await self._talk(connection)
        finally:
            if self._connection is not None:
                self._offline_since_s = self._clock.monotonic_s()
                self._connection = None
            await socket.close()

    async def _talk(self, connection: Connection) -> None:
        """Everything that happens on one connection."""
        self._connection = connection
        self._back_off.connected()
        offline_s = self._clock.monotonic_s() - self._offline_since_s
        self._log.info("* connected to %s as %s (%s)", self._csms.url, self._csms.identity, self._version.subprotocol)
        if self._station.registration.accepted and offline_s > self._station.model.integer(
            "OCPPCommCtrlr/OfflineThreshold"
        ):
            self._station.tell_all_connectors(self._own())  # B04.FR.01
        self._follow_ups.clear()
        self._tell.set()
        self._drain.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(connection.run(), name="ocpp-connection")
                group.create_task(self._keep_telling(), name="ocpp-tell")
                group.create_task(self._keep_draining(), name="ocpp-drain")
        except* (ConnectionLost, OSError, TimeoutError, WebSocketException) as group_error:
            raise ConnectionLost(connection.why_lost or str(group_error.exceptions[0])) from None

    def _back_off_settings(self) -> BackOffSettings:
        model, prefix = self._station.model, "OCPPCommCtrlr/RetryBackOff"
        minimum_s = self._csms.reconnect_min_s  # the configuration's fraction counts until the variable is set
        if model.was_set(f"{prefix}WaitMinimum"):
            minimum_s = float(model.integer(f"{prefix}WaitMinimum"))
        return BackOffSettings(
            minimum_s,
            float(model.integer(f"{prefix}RandomRange")),
            model.integer(f"{prefix}RepeatTimes"),
            max(self._csms.reconnect_max_s, minimum_s),
        )

    # -- the central system asks -------------------------------------------------------------------------------------

    async def _on_call(self, call: CallReceived) -> None:
        """Commit, apply, answer, then what follows; in the order of arrival, one at a time."""
        rpc, connection = self._rpc, self._connection
        if rpc is None or connection is None:
            return
        self._note("<", call.action, _short(call.payload))
        try:
            answer = self._station.handle(call, self._own())
            if isinstance(answer, Refusal):
                rpc.refuse(call.unique_id, answer.code, answer.text)
                self._note(">", call.action, answer.code)
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
        self._note(">", call.action, _short(answer.payload))
        await connection.flush()
        answer.after()
        for outgoing in answer.then:
            self._follow_up(outgoing)
        if answer.reevaluate:
            self._changed.set()

    def _follow_up(self, outgoing: Outgoing) -> None:
        if len(self._follow_ups) >= FOLLOW_UPS_MAX:
            self._log.error("! %s dropped: %d messages are waiting", outgoing.action, FOLLOW_UPS_MAX)
            return
        self._follow_ups.append(outgoing)
        self._tell.set()

    # -- we tell -----------------------------------------------------------------------------------------------------

    async def _keep_telling(self) -> None:
        """BootNotification, follow-ups, connector states, Heartbeat: what is not kept over a restart."""
        while True:
            self._tell.clear()
            if not await self._tell_next():
                deadline_s = self._station.deadline_s
                wait_s = None if deadline_s is None else max(0.0, deadline_s - self._clock.monotonic_s())
                try:
                    async with asyncio.timeout(wait_s):
                        await self._tell.wait()
                except TimeoutError:
                    continue

    async def _tell_next(self) -> bool:
        """Send one message if one is due."""
        outgoing_due = self._station.due(self._own())
        if outgoing_due is not None and outgoing_due.action == "BootNotification":
            await self._call(outgoing_due)
            return True
        if self._follow_ups:
            outgoing = self._follow_ups.popleft()
            await self._call(self._station.boot_request() if outgoing.action == "BootNotification" else outgoing)
            return True
        if not self._station.registration.accepted:  # B02.FR.02
            return False
        for change in self._station.board.due():
            outcome = await self._call(Outgoing("StatusNotification", availability.status_notification(change)))
            if not isinstance(outcome, CallTimedOut):  # a refusal is an answer too
                self._station.board.told(change)
            return True
        if outgoing_due is not None:
            self._station.registration.beat(self._clock.monotonic_s())
            await self._call(outgoing_due)
            return True
        return False

    async def _call(self, outgoing: Outgoing) -> Outcome | None:
        """Send a CALL that is not kept in the store, and take its answer in. None: it was not fit to be sent."""
        violation = self._schemas.check_request(outgoing.action, outgoing.payload)
        if violation is not None:
            self._log.error("! our %s: %s: %s", outgoing.action, violation.code, violation.text)
            return None
        unique_id = str(uuid.uuid4())
        text = call_text(unique_id, outgoing.action, outgoing.payload)
        outcome = await self._send(unique_id, outgoing.action, text, _short(outgoing.payload))
        await self._take(outgoing.action, outgoing.payload, outcome)
        return outcome

    async def _send(self, unique_id: str, action: str, text: str, short: str) -> Outcome:
        if self._connection is None:
            raise ConnectionLost("not connected")
        self._note(">", action, short)
        return await self._connection.call(unique_id, action, text)

    async def _take(self, action: str, request: Payload, outcome: Outcome) -> None:
        """What an answer, or its absence, means to the station."""
        match outcome:
            case ResultReceived(payload=payload, violation=None):
                self._note("<", action, _short(payload))
                before = self._station.registration.status
                writes = self._station.answered(action, request, payload, self._own())
                if action == "BootNotification" and self._station.registration.status is not before:
                    self._log.info("= registration: %s", payload["status"])
                    writes = (*writes, self._journal("*", f"registration {payload['status']}"))
                if writes:
                    await self._keep(*writes)
                if action == "BootNotification":
                    self._tell.set()
                    self._drain.set()
            case ResultReceived(violation=violation):
                self._log.warning("! answer to %s: %s", action, violation)
                self._note("<", action, "invalid answer")
                self._station.refused(action, "FormatViolation", self._own())
            case CallFailed(code=code, text=text):
                self._log.warning("! %s was refused: %s %s", action, code, text)
                self._note("<", action, code)
                self._station.refused(action, code, self._own())
            case CallTimedOut():
                self._log.warning("! %s was not answered in %.0f s", action, self._csms.call_timeout_s)
                self._note("!", action, "not answered")
                self._station.refused(action, "", self._own())
        self._tell.set()

    # -- the outbox --------------------------------------------------------------------------------------------------

    async def _keep_draining(self) -> None:
        """The oldest row first, the next only when it was answered; a row goes when the central system has answered."""
        while True:
            self._drain.clear()
            row = self._store.outbox_head() if self._station.registration.accepted else None
            if row is None:
                await self._drain.wait()
                continue
            request = _payload_of(row)
            outcome = await self._send(row.message_id, row.action, row.text, _short(request))
            await self._take(row.action, request, outcome)
            if isinstance(outcome, ResultReceived):
                await self._insist(Delivered(row.position))
                continue
            if not self._station.registration.accepted:  # forgotten (B01.FR.10): boot first, this counts for nothing
                continue
            model, prefix = self._station.model, "OCPPCommCtrlr/MessageAttempt"
            interval_s = float(model.integer(f"{prefix}Interval[TransactionEvent]"))
            now_s = self._clock.monotonic_s()
            step: RetryAt | Discard
            match outcome:
                case CallFailed(code=code):
                    step = after_refusal(row, code, model.integer(f"{prefix}s[TransactionEvent]"), interval_s, now_s)
                case CallTimedOut():
                    step = after_silence(row, interval_s, now_s)
            if isinstance(step, Discard):
                text = f"{row.action} {row.transaction_id} discarded: {step.reason}: {row.text}"
                self._log.error("! %s %s discarded: %s", row.action, row.transaction_id, step.reason)
                await self._insist(Delivered(row.position), self._journal("!", text))
            else:
                if step.row.attempts != row.attempts:
                    await self._insist(Refused(row.position, step.row.attempts))
                await asyncio.sleep(max(0.0, step.at_s - self._clock.monotonic_s()))

    async def _insist(self, *writes: Write) -> None:
        """Commit, as often as it takes: a row that was answered must not be sent again for want of disk space."""
        while True:
            try:
                return await self._store.commit(*writes)
            except StoreError as error:
                self._log.error("! %s; again in %.0f s", error, _STORE_RETRY_S)
                await asyncio.sleep(_STORE_RETRY_S)

    async def _keep(self, *writes: Write) -> None:
        """Commit if possible; what fails is told and does not stop the station."""
        try:
            await self._store.commit(*writes)
        except StoreError as error:
            self._log.error("! %s", error)

    # -- limits ------------------------------------------------------------------------------------------------------

    async def _keep_contributing(self) -> None:
        """Profiles follow transactions; limits go to the arbiter at every boundary and before they expire."""
        while True:
            self._changed.clear()
            change = self._station.follow_transactions(self._own())
            if change is not None:
                await self._keep(*change.writes)
                change.apply()
            again_s = self._station.contribute(self._own())
            try:
                async with asyncio.timeout(min(max(0.0, again_s - self._clock.monotonic_s()), 3600.0)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    # -- inside ------------------------------------------------------------------------------------------------------

    def _own(self) -> Moment:
        return Moment(self._clock.monotonic_s(), self._clock.utc().timestamp())

    def _now(self) -> Moment:
        return self._station.at(self._own())

    def _messages_waiting(self, transaction_id: str | None) -> int:
        return (
            self._store.transaction_messages() if transaction_id is None else self._store.outbox_depth(transaction_id)
        )

    def _journal(self, kind: str, text: str) -> Journal:
        return Journal(JournalEntry(self._clock.utc(), kind, f"OCPP: {text}"))

    def _note(self, direction: str, action: str, text: str) -> None:
        self._trace.append((self._clock.utc(), direction, action, text))
        quiet = action in _QUIET or "eventType Updated" in text or (direction == "<" and not text)
        self._log.log(logging.DEBUG if quiet else logging.INFO, "%s %s %s", direction, action, text)


def _payload_of(row: OutboxRow) -> Payload:
    payload: Payload = json.loads(row.text)[3]
    return payload


def _short(payload: Payload) -> str:
    """A few words of a payload for people: no tokens, no values of variables."""
    words = []
    for name in (
        "status",
        "eventType",
        "triggerReason",
        "seqNo",
        "evseId",
        "connectorStatus",
        "requestedMessage",
        "type",
        "reason",
    ):
        value = payload.get(name)
        if isinstance(value, (str, int)):
            words.append(f"{name} {value}")
    info = payload.get("statusInfo")
    if isinstance(info, dict):
        words.append(str(info.get("reasonCode")))
    return ", ".join(words)[:120]
