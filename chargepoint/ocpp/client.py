"""The OCPP client: keeps the station connected, sends its messages, answers CALLs. The asyncio shell around `Station`.

Owns the queue of messages that are lost with the connection, and the deadlines of the blocks. Connecting is `link`'s, what is kept is
`outbox`'s, effects are `performer`'s, every decision is in a core. Queues are bounded: messages at `SENDS_MAX` (the newest is
dropped, and the log says so), everything else in the store's outbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.car_questions import (
    AuthorizeContract,
    CertificateRelayed,
    ContractJudged,
    ContractStatus,
    InstallCertificate,
)
from chargepoint.model.charging_needs import ChargingNeeds, PlannedPower
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.random_ids import RandomBytes
from chargepoint.model.status import AuthorizationStatus, ConnectorStatusChanged, TokenVerdict
from chargepoint.model.transactions import MeterSample, TransactionRecord
from chargepoint.ocpp import credentials
from chargepoint.ocpp.blocks import charging_needs, contracts, ev_certificates, transactions
from chargepoint.ocpp.blocks.effects import (
    CallRefusal,
    Failure,
    InvalidMessageReceived,
    NoAnswer,
    ReadingToReport,
    SecurityEventOccurred,
    Send,
    SharedEvent,
)
from chargepoint.ocpp.blocks.jobs import JobEvent
from chargepoint.ocpp.caller import Caller
from chargepoint.ocpp.connection import Connection, ConnectionLost, failure
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.ocpp.firmware_jobs import FirmwareJobs
from chargepoint.ocpp.job_runner import JobRunner
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.link import Link
from chargepoint.ocpp.outbox import Outbox, on_wire
from chargepoint.ocpp.performer import Outlets, Performer, Reply
from chargepoint.ocpp.rpc import CallReceived, PeerFault, ResultReceived, Rpc
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.secrets_folder import SecretsFolder, configured_certificates
from chargepoint.ocpp.sftp_session import SftpIdentity
from chargepoint.ocpp.station import Station
from chargepoint.ocpp.target import Target
from chargepoint.ocpp.token_cache import status_at
from chargepoint.ocpp.trace import Trace, in_short
from chargepoint.ocpp.version import VERSIONS, OcppVersion
from chargepoint.ports import Clock, StationPort
from chargepoint.store.database import Store
from chargepoint.store.rows import OutboxRow

SENDS_MAX = 512
_TIME_MIN_S, _TIME_MAX_S = 0.001, 3600.0


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
        certificate_dir: Path | None = None,
        *,
        random_bytes: RandomBytes = token_bytes,
    ) -> None:
        """`certificate_dir`: the configured keys and roots for cars, which the central system may read as a list."""
        if csms.enabled:
            credentials.check(csms)
        self._csms = csms
        self._store = store
        self._clock = clock
        self._log = log
        self._schemas: dict[str, Schemas] = {name: Schemas(VERSIONS[name]) for name in csms.versions}
        first = VERSIONS[csms.versions[0]]
        secrets = SecretsFolder(secrets_dir(station.state_dir))
        self._station = Station(
            csms,
            station,
            port,
            Kept(store.kept),
            self._messages_waiting,
            first,
            KeptFiles(secrets.read(), configured_certificates(csms, certificate_dir)),
            credentials.mark(csms),
            manufacturer_roots(station),
        )
        for line in self._station.smart_charging.profiles.unreadable:
            log.error("! stored %s", line)
        self._send_bell, self._drain_bell = asyncio.Event(), asyncio.Event()
        self._time_bell, self._states_bell = asyncio.Event(), asyncio.Event()
        self._reconnect_why: asyncio.Queue[str] = asyncio.Queue()
        self._trace = Trace(clock, log)
        files = FileJobs(
            store,
            station.state_dir / "files",
            lambda roots: credentials.file_server_tls(csms, roots),
            log,
            sftp=SftpIdentity(station.sftp_known_hosts_file, station.sftp_key_file),
            roots=self._station.network.installed_roots,
        )
        firmware = FirmwareJobs(station.firmware_command, files)
        self._jobs = JobRunner(secrets.directory, self._on_job, log, files, firmware)
        outlets = Outlets(self._queue, self._drain_bell.set, self._reconnect_why.put_nowait, self._stepped)
        self._performer = Performer(self._station, store, port, clock, self._jobs, outlets, log, secrets, random_bytes)
        schemas = self._schemas[first.subprotocol]
        self._caller = Caller(self._station, self._performer, schemas, self._trace, log, random_bytes)
        self._outbox = Outbox(store, self._station, self._caller, clock, log, self._drain_bell)
        self._link = Link(csms, self._station.model, self._target, secrets.directory, self._talk, self.inform, log)
        self._awaited_s: float | None = None
        """The deadline that `_keep_time` waits for."""
        self._rpc: Rpc | None = None
        self._offline_since_s = clock.monotonic_s()
        self._was_online = False
        self._sends: deque[Send] = deque()

    # -- for the app -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep connected until cancelled. Everything else works before, during and without it."""
        await self._performer.step(self._station.started)
        self._states_bell.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_time(), name="ocpp-time")
                group.create_task(self._follow_states(), name="ocpp-states")
                if self._csms.enabled:
                    group.create_task(self._link.run(), name="ocpp-connect")
        finally:
            await self._jobs.stop()

    async def inform(self, event: SharedEvent) -> None:
        """Something happened at the station that concerns the central system; times in it are the station's own."""
        by = self._station.clock.correction
        match event:
            case ConnectorStatusChanged():
                event = replace(event, at_utc=event.at_utc + by)
            case ReadingToReport(_, sample):
                event = replace(event, sample=replace(sample, at_utc=sample.at_utc + by))
            case _:
                pass
        await self._performer.step(lambda own: self._station.informed(event, own))

    async def status_changed(self, change: ConnectorStatusChanged) -> None:
        """A connector's status; while offline only the latest per connector is kept."""
        await self.inform(change)

    async def meter_values(self, evse_id: EvseId, sample: MeterSample) -> None:
        """A reading outside a transaction, or one asked for; dropped while offline (QueueAllMessages is false)."""
        await self.inform(ReadingToReport(evse_id, sample))

    async def security_event(self, kind: str, text: str = "") -> None:
        """A security event, stored until the central system has it. Raises nothing: a full store is written to the log."""
        await self.inform(SecurityEventOccurred(kind, text))

    async def authorize(self, token: IdToken, evse_id: EvseId, running: IdToken | None = None) -> TokenVerdict:
        """As `_judge`; a token that shall start something also answers to the reservations."""
        verdict = await self._judge(token, evse_id, running)
        return verdict if running is not None else await self._in_reservation(verdict, token, evse_id)

    async def _judge(self, token: IdToken, evse_id: EvseId, running: IdToken | None) -> TokenVerdict:
        """Ask for a token shown at this EVSE: the central system if it answers within call_timeout_s, else by the device model (C15).

        `running`: the token of the transaction that `token` may stop, where it is of the same group (C09).
        """
        authorization, why = self._station.authorization, self._why_not_online()
        now = self._station.at(self._performer.own())
        if running is not None and authorization.stops_without_asking(token, running, evse_id, now):
            return self._verdict(AuthorizationStatus.ACCEPTED, token, running)
        if self.online:
            known = authorization.before_asking(token, evse_id, now)
            if known is not None:
                return self._verdict(known, token, running)
            outcome, why = await self._ask(authorization.question(token))
            if outcome is not None:
                return self._verdict(status_at(outcome.payload["idTokenInfo"], evse_id), token, running)
            self._log.warning("! Authorize: %s; deciding without the central system", why)
        status = authorization.without_csms(token, evse_id, self._station.at(self._performer.own()))
        return self._verdict(status, token, running, why if status is AuthorizationStatus.UNKNOWN else "")

    def _verdict(
        self, status: AuthorizationStatus, token: IdToken, running: IdToken | None, why: str = ""
    ) -> TokenVerdict:
        block = self._station.authorization
        may_stop = running is not None and block.same_group(token, running)
        return TokenVerdict(status, why, may_stop, block.master_pass(token))

    async def _in_reservation(self, verdict: TokenVerdict, token: IdToken, evse_id: EvseId) -> TokenVerdict:
        """An accepted token where an EVSE may be reserved: it uses its reservation, or is refused for another's (H03)."""
        if verdict.status is not AuthorizationStatus.ACCEPTED or verdict.master_pass:
            return verdict
        reservations = self._station.reservations
        why = reservations.refuses(token, evse_id, self._station.at(self._performer.own()))
        if why:
            return TokenVerdict(AuthorizationStatus.INVALID, why)
        await self._performer.step(lambda own: reservations.used(token, evse_id, self._station.at(own)))
        return verdict

    async def authorize_contract(self, contract: AuthorizeContract, evse_id: EvseId) -> ContractJudged:
        """Ask about a car's contract: the central system if it answers within call_timeout_s, else by the device model (C07)."""
        judged = await self._judge_contract(contract, evse_id)
        if judged.status is not ContractStatus.ACCEPTED:
            return judged
        token = IdToken(contract.emaid, IdTokenType.E_MAID)
        verdict = await self._in_reservation(TokenVerdict(AuthorizationStatus.ACCEPTED), token, evse_id)
        return judged if not verdict.why else ContractJudged(ContractStatus.REFUSED, verdict.why)

    async def _judge_contract(self, contract: AuthorizeContract, evse_id: EvseId) -> ContractJudged:
        block, why = self._station.contracts, self._why_not_online()
        if self.online:
            question = block.question(contract, self._station.at(self._performer.own()))
            if isinstance(question, contracts.NotAsked):
                return question.judged
            outcome, why = await self._ask(question)
            if outcome is not None:
                return contracts.judged(contract, outcome.payload, evse_id)
            self._log.warning("! Authorize of a contract: %s; deciding without the central system", why)
        return block.without_csms(contract, evse_id, self._station.at(self._performer.own()), why)

    async def install_certificate(self, question: InstallCertificate) -> CertificateRelayed:
        """Relay a car's request for a contract certificate. Without an answer in call_timeout_s there is no certificate."""
        if not self.online:
            return CertificateRelayed(None, reason=self._why_not_online())
        outcome, why = await self._ask(ev_certificates.request(question, self._station.version))
        return CertificateRelayed(None, reason=why) if outcome is None else ev_certificates.relayed(outcome.payload)

    async def charging_needs(self, needs: ChargingNeeds) -> bool:
        """Notify the central system of a car's needs. True where it sends a schedule now (K15.FR.03); False while offline."""
        if not self.online:
            return False
        outcome, why = await self._ask(
            charging_needs.needs_request(needs, self._station.version, self._station.clock.at(self._performer.own()))
        )
        if outcome is None:
            self._log.warning("! NotifyEVChargingNeeds: %s; the station makes the schedule by itself", why)
        return outcome is not None and charging_needs.sends_schedule(outcome.payload)

    async def car_plan(self, plan: PlannedPower) -> None:
        """Notify the central system of what a car plans; dropped while offline."""
        if self.online:
            send = charging_needs.plan_request(
                plan, self._station.version, self._station.clock.at(self._performer.own())
            )
            await self._performer.step(lambda _: (send,))

    async def _ask(self, send: Send) -> tuple[ResultReceived | None, str]:
        """The answer to a CALL that somebody waits for; None where there is none in call_timeout_s, and why, in words."""
        try:
            async with asyncio.timeout(self._csms.call_timeout_s):
                outcome = await self._caller.call(send)
        except ConnectionLost:
            return None, "the connection to the central system was lost before it answered"
        except TimeoutError:
            return None, f"the central system did not answer within {self._csms.call_timeout_s:g} s"
        if isinstance(outcome, ResultReceived) and outcome.violation is None:
            return outcome, ""
        if outcome is None:
            return None, f"{send.action} cannot be sent: its content does not fit OCPP; see the log"
        return None, failure(outcome)

    def _why_not_online(self) -> str:
        if not self._csms.enabled:
            return "there is no central system, and nothing known here permits this token"
        if self._caller.connection is None:
            return "no connection to the central system, and nothing known here permits this token"
        return "the central system has not accepted this station yet"

    def outbox_row(self, record: TransactionRecord) -> OutboxRow:
        """The record as its message, to be committed together with the ledger's state. Changes nothing here."""
        record = transactions.at_csms_clock(record, self._station.clock.correction)
        row = transactions.outbox_row(
            record, self._station.model, offline=not self.online, reservation_id=self._station.reservations.of(record)
        )
        violation = self._caller.schemas.check_request(row.action, on_wire(row)[1])
        if violation is not None:  # a record is billed and goes out whatever we think of its form
            self._log.error("! %s seqNo %d: %s: %s", row.action, record.seq_no, violation.code, violation.text)
        return row

    def outbox_changed(self) -> None:
        """Rows were committed: send them."""
        self._drain_bell.set()

    def states_changed(self) -> None:
        """Some EvseState changed: profiles follow their transactions (K02.FR.05), limits are given anew."""
        self._states_bell.set()

    def variable(self, key: str) -> str:
        """A variable's present value for the app, e.g. `TxCtrlr/EVConnectionTimeOut`. Raises KeyError for an unknown key."""
        return self._station.model.text(key)

    def sampling_intervals(self) -> tuple[float, float, float, float, bool]:
        """The fields of `SamplingIntervals`, in order: seconds, 0 where switched off."""
        model = self._station.model

        def seconds(component: str, name: str) -> float:
            return float(model.integer(f"{component}/{name}")) if model.flag(f"{component}/Enabled") else 0.0

        sampled, aligned = "SampledDataCtrlr", "AlignedDataCtrlr"
        return (
            seconds(sampled, "TxUpdatedInterval"),
            seconds(aligned, "Interval"),
            seconds(sampled, "TxEndedInterval"),
            seconds(aligned, "TxEndedInterval"),
            model.flag(f"{aligned}/SendDuringIdle"),
        )

    def transaction_points(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """TxStartPoint and TxStopPoint."""
        model = self._station.model
        return model.members("TxCtrlr/TxStartPoint"), model.members("TxCtrlr/TxStopPoint")

    @property
    def online(self) -> bool:
        """Connected, and the central system has accepted this station."""
        return self._caller.connection is not None and self._station.registration.accepted_now

    def snapshot(self) -> dict[str, object]:
        """For the page and the diagnostics: JSON-able, no secrets."""
        registration = self._station.registration
        return {
            "enabled": self._csms.enabled,
            "url": self._link.url,
            "identity": self._csms.identity,
            "version": self._station.version.subprotocol,
            "connected": self._caller.connection is not None,
            "boot_status": None if registration.status is None else registration.status.value,
            "boot_trouble": registration.trouble or None,
            "boot_again_in_s": registration.again_in_s(self._clock.monotonic_s()),
            "outbox_depth": self._store.outbox_depth(),
            "heartbeat_interval_s": registration.heartbeat_interval_s,
            "clock_offset_s": round(self._station.clock.offset_s, 3),
            "charging_profiles": len(self._station.smart_charging.profiles),
            "display": self._station.displayed(self._performer.own()),
            "messages": self._trace.snapshot(),
        }

    # -- connected ---------------------------------------------------------------------------------------------------

    async def _talk(self, socket: ClientConnection, version: OcppVersion) -> None:
        """Everything that happens on one connection; ends with ConnectionLost."""
        schemas = self._schemas[version.subprotocol]
        self._rpc = Rpc(version, schemas, self._station.supported, self._csms.call_timeout_s)
        connection = Connection(
            socket, self._rpc, self._clock, self._log, self._on_call, self._on_fault, self._csms.call_timeout_s
        )
        offline_s = self._clock.monotonic_s() - self._offline_since_s
        self._log.info("* connected to %s as %s (%s)", self._link.url, self._csms.identity, version.subprotocol)
        self._sends.clear()
        self._caller.schemas, self._caller.connection = schemas, connection
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(connection.run(), name="ocpp-connection")
                await self._performer.step(lambda own: self._station.connected(version, offline_s, own))
                group.create_task(self._keep_sending(), name="ocpp-send")
                group.create_task(self._outbox.drain(), name="ocpp-drain")
                group.create_task(self._await_reconnect(), name="ocpp-reconnect")
        except* (ConnectionLost, OSError, TimeoutError, WebSocketException) as group_error:
            raise ConnectionLost(connection.why_lost or str(group_error.exceptions[0])) from None
        finally:
            self._offline_since_s = self._clock.monotonic_s()
            self._caller.connection = None
            await self._performer.step(self._station.disconnected)

    def _target(self) -> Target:
        return self._station.network.target(self._station.at(self._performer.own()).utc_s)

    async def _await_reconnect(self) -> None:
        while not self._reconnect_why.empty():
            self._reconnect_why.get_nowait()  # of an earlier connection
        raise ConnectionLost(await self._reconnect_why.get())

    # -- the central system asks -------------------------------------------------------------------------------------

    async def _on_call(self, call: CallReceived) -> None:
        """What the answer rests on, the answer, then what follows; in the order of arrival, one at a time."""
        rpc, connection = self._rpc, self._caller.connection
        if rpc is None or connection is None:
            return
        self._trace.note("<", call.action, in_short(call.payload))
        try:
            reply = await self._performer.reply(call)
        except Exception:
            self._log.exception("! %s: our mistake", call.action)
            reply = Reply(CallRefusal("InternalError", "the station made a mistake"))
        if isinstance(reply.payload, CallRefusal):
            rpc.refuse(call.unique_id, reply.payload.code, reply.payload.text)
            self._trace.note(">", call.action, reply.payload.code)
            return
        violation = rpc.respond(call, reply.payload)
        if violation is not None:
            self._log.error("! our answer to %s: %s: %s", call.action, violation.code, violation.text)
        self._trace.note(">", call.action, in_short(reply.payload))
        await connection.flush()
        await self._performer.step(lambda _: reply.then)

    async def _on_fault(self, fault: PeerFault) -> None:
        await self.inform(InvalidMessageReceived(fault.kind, fault.text))

    # -- we send -----------------------------------------------------------------------------------------------------

    def _queue(self, send: Send) -> None:
        if self._caller.connection is None:
            return  # lost with the connection
        if len(self._sends) >= SENDS_MAX:
            self._log.error("! %s dropped: %d messages are waiting", send.action, SENDS_MAX)
            dropped = NoAnswer(Failure.UNSENT, f"{SENDS_MAX} messages are waiting")
            self._station.unanswered(send.action, send.payload, dropped, self._performer.own())
            return
        self._sends.append(send)
        self._send_bell.set()

    async def _keep_sending(self) -> None:
        """What is lost with the connection, in order."""
        while True:
            self._send_bell.clear()
            send = self._next_send()
            if send is None:
                await self._send_bell.wait()
            else:
                await self._caller.call(send)

    def _next_send(self) -> Send | None:
        accepted = self._station.registration.accepted_now
        for number, send in enumerate(self._sends):
            if accepted or not send.waits:
                del self._sends[number]
                return send
        return None

    # -- time ----------------------------------------------------------------------------------------------------------

    def _stepped(self) -> None:
        """A step is done: deadlines may have changed, the station may have been accepted."""
        if self._station.deadline_s != self._awaited_s:
            self._time_bell.set()
        if self._sends:
            self._send_bell.set()
        if self.online and not self._was_online:
            self._drain_bell.set()
        self._was_online = self.online

    async def _keep_time(self) -> None:
        """Let the blocks have their time."""
        while True:
            self._time_bell.clear()
            self._awaited_s = deadline_s = self._station.deadline_s
            wait_s = _TIME_MAX_S if deadline_s is None else deadline_s - self._clock.monotonic_s()
            try:
                async with asyncio.timeout(min(max(_TIME_MIN_S, wait_s), _TIME_MAX_S)):
                    await self._time_bell.wait()
            except TimeoutError:
                await self._performer.step(lambda _: ())

    async def _follow_states(self) -> None:
        """Let the blocks know of changed EVSE states; many changes at once are one."""
        while True:
            await self._states_bell.wait()
            self._states_bell.clear()
            await self._performer.step(self._station.states_changed)

    async def _on_job(self, event: JobEvent) -> None:
        await self._performer.step(lambda own: self._station.job_event(event, own))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _messages_waiting(self, transaction_id: str | None) -> int:
        return (
            self._store.transaction_messages() if transaction_id is None else self._store.outbox_depth(transaction_id)
        )


def manufacturer_roots(station: StationSection) -> str:
    """The roots of firmware signers, PEM; "" where none are configured. Raises CredentialsError for an unreadable file."""
    if station.firmware_root_file is None:
        return ""
    try:
        return station.firmware_root_file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise credentials.CredentialsError(f"[station] firmware_root_file: {error}") from error


def secrets_dir(state_dir: Path) -> Path:
    """Where the station keeps private keys that it made itself."""
    return state_dir / "secrets"
