"""One EVSE's meeting place: image, car, session, arbiter, ledger and link, joined by calls in a stated order.

Decisions are in the cores; here each event is carried to them and their outputs are carried out. What must wait (store,
central system) goes through one queue of work per EVSE, so that records are committed in the order they were made.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chargepoint.config.schema import AuthorizationMode, Config
from chargepoint.energy import sources
from chargepoint.energy.arbiter import Arbiter
from chargepoint.evse.events import (
    AskAuthorization,
    AuthorizationAnswered,
    BeginTransaction,
    EndTransaction,
    PowerProcessLost,
    SessionEvent,
    SessionOutput,
    StopOrdered,
    Tell,
    TellStatus,
    TimePassed,
    UpdateTransaction,
)
from chargepoint.evse.session import METER_MAX_AGE_S, EvseSession
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.car import CarEvent, SeccInputs
from chargepoint.model.commands import ReportKind
from chargepoint.model.demand import Setpoint, Source
from chargepoint.model.faults import CATALOGUE, FaultCleared, Severity
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.image import EvseImage, PowerEvent, Stage
from chargepoint.model.limits import ZERO
from chargepoint.model.status import ConnectorStatusChanged, EvseState
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.power.link_client import LinkClient
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Journal, JournalEntry, OpenTransaction
from chargepoint.transactions.ledger import Ledger, LedgerState
from chargepoint.transactions.sampling import Sampling, SamplingIntervals

CONNECTOR_ID = 1
RESTORE_PATIENCE_S = 10.0
"""After a restart the first fresh meter reading is waited for this long; then the last stored one is final."""

STORE_RETRY_S = 1.0
WORK_MAX = 1000
"""More than this waiting, and status and journal are dropped; records of transactions never are (about one a minute)."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """What every channel shares."""

    config: Config
    arbiter: Arbiter
    link: LinkClient
    store: Store
    ocpp: OcppClient
    clock: Clock
    active_evses: Callable[[], int]


class EvseChannel:
    """One EVSE in the daemon."""

    def __init__(self, evse_id: EvseId, rooms: Rooms, log: logging.Logger) -> None:
        self.evse_id = evse_id
        self._rooms = rooms
        self._log = log
        config = rooms.config
        everybody = config.energy.authorization is AuthorizationMode.NONE
        self.session = EvseSession(
            evse_id,
            authorize_everybody=everybody,
            lease_s=config.power.lease_s,
            loop_timeout_s=sources.CAR_SILENCE_S,
        )
        self.ledger = Ledger(evse_id, CONNECTOR_ID)
        self.secc: SeccServer | None = None
        self.setpoint = Setpoint(evse_id, 0.0, ZERO, Source.DEFAULT, None, "0 W: nothing heard yet", 0.0)
        self._restoring: tuple[LedgerState, StopReason, float] | None = None
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._group: asyncio.TaskGroup | None = None
        self._working = False
        self._intervals: SamplingIntervals | None = None
        self._idle: Sampling | None = None
        self._image_s = 0.0
        self._lost = True

    async def run(self) -> None:
        """Carry out work in order, and notice when the power process falls silent, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._keep_working(), name=f"evse-{self.evse_id}-work")
            group.create_task(self._keep_time(), name=f"evse-{self.evse_id}-time")

    # -- events in -------------------------------------------------------------------------------------------------

    def on_image(self, image: EvseImage) -> None:
        """The process image: first the session, then the arbiter, then the demand for the next lease."""
        now_s = self._rooms.clock.monotonic_s()
        self._image_s, self._lost = now_s, False
        if self._restoring is not None:
            self._restore(image, now_s)
        plugged = self.session.plug_in is not None
        self.feed(image)
        if plugged and self.session.plug_in is None and self.secc is not None:
            self.secc.unplugged()
        self._contribute(image, now_s)
        setpoint = self._rooms.arbiter.decide(self.evse_id, now_s)
        self._tell_setpoint(setpoint)
        self.setpoint = setpoint
        self._rooms.link.demand(self.session.stage_demand(setpoint, now_s))
        if self.secc is not None:
            self.secc.inputs_changed()

    def on_power_event(self, event: PowerEvent) -> None:
        """A trip, a cleared fault, a token."""
        if isinstance(event, FaultCleared):
            self._log.info("= %s: cleared", CATALOGUE[event.code].title)
        else:
            self.feed(event)

    def on_car_events(self, events: Sequence[CarEvent]) -> None:
        """What the SECC learned."""
        for event in events:
            self.feed(event)

    def feed(self, event: SessionEvent) -> None:
        """One event into the session; its outputs carried out at once, in order."""
        for output in self.session.feed(event, self._rooms.clock.monotonic_s()):
            self._carry_out(output)

    def restore(self, state: LedgerState, reason: StopReason) -> None:
        """A transaction the last run left open: ends with the first fresh reading."""
        self._restoring = (state, reason, self._rooms.clock.monotonic_s() + RESTORE_PATIENCE_S)
        self._log.warning("* transaction %s was open when the daemon ended; closing it", state.transaction_id)

    def report(self, kind: ReportKind) -> None:
        """Read the meter now and tell it."""
        sample = self._sample(ReadingContext.TRIGGER)
        if sample is None:
            return
        if kind is ReportKind.TRANSACTION and self.ledger.state is not None:
            self._commit(self.ledger.event(TriggerReason.TRIGGER, sample))
        else:
            self._enqueue(lambda: self._rooms.ocpp.meter_values(self.evse_id, sample))

    # -- what others read --------------------------------------------------------------------------------------------

    def evse_state(self) -> EvseState:
        """For the OCPP rooms."""
        session, image = self.session, self.session.image
        section = self._rooms.config.evse[self.evse_id]
        capabilities = None if image is None else image.capabilities
        return EvseState(
            evse_id=self.evse_id,
            status=session.status,
            plugged=session.plugged,
            transaction_id=session.transaction_id,
            id_token=session.permit.token,
            discharge_negotiated=session.car is not None and session.car.service.bidirectional,
            charge_max_W=section.charge_power_max_W if capabilities is None else capabilities.charge_power_max_W,
            discharge_max_W=section.discharge_power_max_W
            if capabilities is None
            else capabilities.discharge_power_max_W,
            voltage_V=None if image is None else image.voltage_V,
            transaction_started_s=session.transaction_started_s,
            connector_type=section.connector_type,
        )

    def secc_inputs(self) -> SeccInputs:
        """For the SECC: the last image and the last setpoint."""
        session, image = self.session, self.session.image
        if image is None:
            return SeccInputs(authorized=session.authorized, stop_requested=session.stop_requested)
        return SeccInputs(
            authorized=session.authorized,
            pilot_ready=image.pilot.ready,
            stage=image.stage,
            permitted=image.permitted,
            cable_check_failed=session.cable_check_failed,
            emergency=any(CATALOGUE[code].severity is Severity.EMERGENCY for code in image.faults),
            voltage_V=image.voltage_V,
            current_A=image.current_A,
            capabilities=image.capabilities,
            limits_W=self.setpoint.limits_W,
            setpoint_W=self.setpoint.power_W,
            stop_requested=session.stop_requested,
            meter=image.meter,
            minimum_soc_percent=self._rooms.config.energy.minimum_soc_percent,
        )

    def energy_now_Wh(self) -> tuple[float, float]:
        """Import and export of the open transaction by the meter as last read; what is billed is in the records."""
        state, image = self.ledger.state, self.session.image
        if state is None or image is None or image.meter is None:
            return self.ledger.energy_Wh
        return image.meter.import_Wh - state.begin.import_Wh, image.meter.export_Wh - state.begin.export_Wh

    @property
    def nothing_to_store(self) -> bool:
        """Every record made is on the disk."""
        return self._work.empty() and not self._working

    @property
    def idle(self) -> bool:
        """No transaction, and nothing of one waiting to be stored."""
        return self.ledger.state is None and self._restoring is None and self.nothing_to_store

    # -- outputs -----------------------------------------------------------------------------------------------------

    def _carry_out(self, output: SessionOutput) -> None:
        match output:
            case Tell(letter, text):
                log = self._log.warning if letter == "!" else self._log.info
                log("%s %s", letter, text)
                if letter != "=":
                    entry = JournalEntry(self._rooms.clock.utc(), letter, f"evse {self.evse_id}: {text}")
                    self._enqueue(lambda: self._rooms.store.commit(Journal(entry)))
            case TellStatus(status):
                change = ConnectorStatusChanged(self.evse_id, CONNECTOR_ID, status, self._rooms.clock.utc())
                self._enqueue(lambda: self._rooms.ocpp.status_changed(change))
                self._rooms.ocpp.states_changed()
            case AskAuthorization(token):
                asked = token

                async def ask() -> None:
                    status = await self._rooms.ocpp.authorize(asked)
                    self.feed(AuthorizationAnswered(asked, status))

                if self._group is not None:  # beside the queue: an answer may take long, records must not wait
                    self._group.create_task(ask(), name=f"evse-{self.evse_id}-authorize")
            case BeginTransaction():
                self._begin(output)
            case UpdateTransaction(trigger, state):
                sample = self._sample(ReadingContext.OTHER)
                if sample is not None and self.ledger.state is not None:
                    record = self.ledger.state_changed(state, sample, trigger)
                    if record is not None:
                        self._commit(record)
            case EndTransaction(trigger, reason, token):
                if self.ledger.state is not None:
                    sample = self._sample(ReadingContext.TRANSACTION_END)
                    at_utc = self._rooms.clock.utc()
                    state = ChargingState.EV_CONNECTED if self.session.plugged else ChargingState.IDLE
                    record = self.ledger.end(
                        sample, trigger, reason, at_utc=at_utc, charging_state=state, id_token=token
                    )
                    self._log.info("= transaction ended: %s", reason.value)
                    self._commit(record)
                    self._rooms.arbiter.withdraw(self.evse_id, Source.CAR)
                    self._rooms.ocpp.transaction_ended(self.evse_id)

    def _begin(self, begin: BeginTransaction) -> None:
        now_s = self._rooms.clock.monotonic_s()
        sample = self._sample(ReadingContext.TRANSACTION_BEGIN)
        if sample is None:  # the session looked at the meter a moment ago; without a record nothing may flow
            self._log.error("! no meter reading at the begin of a transaction")
            self.feed(StopOrdered(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION))
            return
        if self._restoring is not None:
            self._close_left_open(sample)
        transaction_id = TransactionId(str(uuid.uuid4()))
        self.session.transaction_id = transaction_id
        self._configure_sampling(now_s)
        record = self.ledger.start(
            transaction_id,
            sample,
            begin.trigger,
            now_s,
            id_token=begin.token,
            remote_start_id=begin.remote_start_id,
        )
        self._log.info("= transaction %s started", transaction_id)
        self._commit(record)

    def _commit(self, record: TransactionRecord) -> None:
        """Ledger state and message in one database transaction; tried until it is on the disk."""
        row = self._rooms.ocpp.outbox_row(record)
        state = self.ledger.state
        keep: OpenTransaction | int = int(self.evse_id)
        if record.type is not TransactionEventType.ENDED and state is not None:
            keep = OpenTransaction(int(self.evse_id), str(state.transaction_id), state.to_json())

        async def commit() -> None:
            while True:
                try:
                    await self._rooms.store.commit_record(keep, row)
                    break
                except StoreError as error:
                    self._log.error("! record %d of the transaction not stored, trying again: %s", record.seq_no, error)
                    await asyncio.sleep(STORE_RETRY_S)
            self._rooms.ocpp.outbox_changed()
            self._rooms.ocpp.states_changed()

        self._work.put_nowait(commit)

    def _restore(self, image: EvseImage, now_s: float) -> None:
        assert self._restoring is not None
        _, _, until_s = self._restoring
        quiet = image.stage in (Stage.OFF, Stage.FAULTED)
        sample = self._sample(ReadingContext.TRANSACTION_END, image) if quiet else None
        if sample is None and now_s < until_s:
            return
        self._close_left_open(sample)

    def _close_left_open(self, sample: MeterSample | None) -> None:
        assert self._restoring is not None
        state, reason, _ = self._restoring
        self._restoring = None
        self._commit(self.ledger.restore(state, sample, self._rooms.clock.utc(), reason))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _contribute(self, image: EvseImage, now_s: float) -> None:
        """Everything the station itself knows, renewed with each image."""
        arbiter, config, session = self._rooms.arbiter, self._rooms.config, self.session
        until_s = now_s + sources.IMAGE_LIFE_S
        hardware = sources.of_hardware(image)
        arbiter.replace(self.evse_id, Source.HARDWARE, [] if hardware is None else [hardware])
        car = session.car
        said = [] if car is None else sources.of_car(car, image.voltage_V, sources.CAR_SILENCE_S)
        arbiter.replace(self.evse_id, Source.CAR, said)
        minimum = config.energy.minimum_soc_percent
        soc = None
        if car is not None:
            soc = car.energy.soc_percent
            if car.energy.minimum_soc_percent is not None:
                minimum = car.energy.minimum_soc_percent
        driver = sources.of_driver(self.evse_id, soc, minimum, until_s)
        arbiter.replace(self.evse_id, Source.DRIVER, [] if driver is None else [driver])
        energy = config.energy
        site = sources.of_site(
            self.evse_id, energy.site_import_max_W, energy.site_export_max_W, self._rooms.active_evses(), until_s
        )
        arbiter.replace(self.evse_id, Source.SITE, [site])
        default_W = energy.default_power_W
        if default_W is None:
            default_W = 0.0 if image.capabilities is None else image.capabilities.charge_power_max_W
        arbiter.replace(self.evse_id, Source.DEFAULT, [sources.of_default(self.evse_id, default_W, until_s)])

    def _tell_setpoint(self, new: Setpoint) -> None:
        old = self.setpoint
        changed = abs(new.power_W - old.power_W) > 100.0 or new.limited_by is not old.limited_by
        if changed and self.ledger.state is not None:
            self._log.info("= %s", new.explanation)

    def _sample(self, context: ReadingContext, image: EvseImage | None = None) -> MeterSample | None:
        """The meter as last read, if that is fresh; None otherwise, never a number made up."""
        seen = image or self.session.image
        now_s = self._rooms.clock.monotonic_s()
        if seen is None or seen.meter is None or now_s - seen.meter.taken_at_s > METER_MAX_AGE_S:
            return None
        meter, car = seen.meter, self.session.car
        return MeterSample(
            at_utc=self._rooms.clock.utc() - timedelta(seconds=max(0.0, now_s - meter.taken_at_s)),
            context=context,
            import_Wh=meter.import_Wh,
            export_Wh=meter.export_Wh,
            power_W=meter.power_W,
            voltage_V=meter.voltage_V,
            current_A=meter.current_A,
            soc_percent=None if car is None else car.energy.soc_percent,
            setpoint_W=self.setpoint.power_W,
        )

    def _enqueue(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._work.qsize() >= WORK_MAX:
            self._log.error("! %d things wait to be stored; the disk does not keep up", WORK_MAX)
        else:
            self._work.put_nowait(work)

    async def _keep_working(self) -> None:
        while True:
            work = await self._work.get()
            self._working = True
            try:
                await work()
            except StoreError as error:
                self._log.error("! %s", error)
            finally:
                self._working = False

    def _configure_sampling(self, now_s: float) -> None:
        """The intervals may change while a transaction runs (SetVariables)."""
        intervals = SamplingIntervals(*self._rooms.ocpp.sampling_intervals())
        if intervals != self._intervals:
            self._intervals = intervals
            self.ledger.configure(intervals, now_s)

    def _tell_idle_reading(self, now_s: float, utc: datetime) -> None:
        """Clock-aligned readings while no transaction runs (J01.FR.14)."""
        intervals = SamplingIntervals(0.0, self._rooms.ocpp.sampling_intervals()[1])
        if self._idle is None or self._idle.intervals != intervals:
            self._idle = Sampling(intervals)
            self._idle.start(now_s, utc)
        context = self._idle.due(now_s, utc)
        sample = None if context is None else self._sample(context)
        if sample is not None:
            self._enqueue(lambda: self._rooms.ocpp.meter_values(self.evse_id, sample))

    async def _keep_time(self) -> None:
        """Sampling, and the silence of the power process."""
        while True:
            await asyncio.sleep(0.1)
            now_s, utc = self._rooms.clock.monotonic_s(), self._rooms.clock.utc()
            if not self._lost and now_s - self._image_s > self._rooms.config.power.lease_s:
                self._lost = True
                self._log.error("! power process silent for %.1f s", now_s - self._image_s)
                self.feed(PowerProcessLost())
                if self.secc is not None:
                    self.secc.inputs_changed()
            else:
                self.feed(TimePassed())
            if self._restoring is not None and now_s >= self._restoring[2]:
                self._close_left_open(None)  # no power process to ask: what was stored is final
            if self.ledger.state is None:
                self._tell_idle_reading(now_s, utc)
                continue
            self._idle = None
            self._configure_sampling(now_s)
            context = self.ledger.due(now_s, utc)
            sample = None if context is None else self._sample(context)
            if sample is not None:
                self._commit(self.ledger.sample(sample))
            for fault in self.ledger.faults():
                self._log.error(
                    "! meter's %s register went back from %.3f to %.3f Wh: reading refused",
                    fault.register,
                    fault.before_Wh,
                    fault.after_Wh,
                )
