"""One EVSE's meeting place: image, car, session, arbiter, ledger and link, joined by calls in a stated order.

Decisions are in the cores; here each event is carried to them and their outputs are carried out. What must wait (store,
central system) goes through one queue of work per EVSE, so that records are committed in the order they were made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chargepoint.app.transaction_book import CONNECTOR_ID, TransactionBook
from chargepoint.app.work_queue import WorkQueue
from chargepoint.config.schema import AuthorizationMode, Config
from chargepoint.energy import sources
from chargepoint.energy.arbiter import Arbiter
from chargepoint.energy.station import said
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
from chargepoint.evse.session import EvseSession
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.car import CarEvent, SeccInputs
from chargepoint.model.commands import ReportKind
from chargepoint.model.demand import Setpoint, Source
from chargepoint.model.faults import CATALOGUE, FaultCleared, Severity
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, MeterRegisters, PowerEvent, Stage
from chargepoint.model.limits import ZERO
from chargepoint.model.status import ConnectorStatusChanged, EvseState
from chargepoint.model.transactions import (
    MeterSample,
    ReadingContext,
    StopReason,
    TriggerReason,
)
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.power.link_client import LinkClient
from chargepoint.store.database import Store
from chargepoint.store.rows import Journal, JournalEntry


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
            ev_connection_timeout_s=lambda: float(rooms.ocpp.variable("TxCtrlr/EVConnectionTimeOut")),
        )
        self.secc: SeccServer | None = None
        self.setpoint = Setpoint(evse_id, 0.0, ZERO, Source.DEFAULT, None, "0 W: nothing heard yet", 0.0)
        self._work = WorkQueue(log)
        self.book = TransactionBook(evse_id, rooms.store, rooms.ocpp, rooms.clock, self._work, self._sample, log)
        self._group: asyncio.TaskGroup | None = None
        self._image_s = 0.0
        self._meter: MeterRegisters | None = None
        self._lost = True
        self._reset_wanted = False

    async def run(self) -> None:
        """Carry out work in order, and notice when the power process falls silent, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._work.run(), name=f"evse-{self.evse_id}-work")
            group.create_task(self._keep_time(), name=f"evse-{self.evse_id}-time")

    # -- events in -------------------------------------------------------------------------------------------------

    def on_image(self, image: EvseImage) -> None:
        """The process image: first the session, then the arbiter, then the demand for the next lease."""
        now_s = self._rooms.clock.monotonic_s()
        self._image_s, self._lost = now_s, False
        self._meter = image.meter or self._meter
        plugged = self.session.plug_in is not None
        self.feed(image)
        if image.stage in (Stage.OFF, Stage.FAULTED):
            self.book.power_is_off()
        if self._reset_wanted and self.book.idle:
            self._reset_wanted = False
            self._rooms.link.reset_faults(self.evse_id)
        if plugged and self.session.plug_in is None and self.secc is not None:
            self.secc.unplugged()
        arbiter, sharers = self._rooms.arbiter, self._rooms.active_evses()
        for source, contributions in said(self._rooms.config.energy, image, self.session.car, sharers, now_s):
            arbiter.replace(self.evse_id, source, contributions)
        setpoint = arbiter.decide(self.evse_id, now_s)
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

    def reset_faults_when_idle(self) -> None:
        """Latched faults are let go, where their cause is gone, as soon as no transaction runs (B12.FR.07)."""
        self._reset_wanted = True

    def report(self, kind: ReportKind) -> None:
        """Read the meter now and tell it."""
        if kind is ReportKind.TRANSACTION:
            self.book.report()
        else:
            self.book.report_reading()

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
            meter_fresh=session.meter_fresh(self._rooms.clock.monotonic_s()),
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
        state, image = self.book.state, self.session.image
        if state is None or image is None or image.meter is None:
            return self.book.ledger.energy_Wh
        return image.meter.import_Wh - state.begin.import_Wh, image.meter.export_Wh - state.begin.export_Wh

    @property
    def nothing_to_store(self) -> bool:
        """Every record made is on the disk."""
        return self._work.empty

    @property
    def idle(self) -> bool:
        """No transaction, and nothing of one waiting to be stored."""
        return self.book.idle and self.nothing_to_store

    # -- outputs -----------------------------------------------------------------------------------------------------

    def _carry_out(self, output: SessionOutput) -> None:
        match output:
            case Tell(letter, text):
                log = self._log.warning if letter == "!" else self._log.info
                log("%s %s", letter, text)
                if letter != "=":
                    entry = JournalEntry(self._rooms.clock.utc(), letter, f"evse {self.evse_id}: {text}")
                    self._work.add(lambda: self._rooms.store.commit(Journal(entry)))
            case TellStatus(status):
                change = ConnectorStatusChanged(self.evse_id, CONNECTOR_ID, status, self._rooms.clock.utc())
                self._work.add(lambda: self._rooms.ocpp.status_changed(change))
                self._rooms.ocpp.states_changed()
            case AskAuthorization(token):
                asked = token

                async def ask() -> None:
                    status = await self._rooms.ocpp.authorize(asked, self.evse_id)
                    self.feed(AuthorizationAnswered(asked, status))

                if self._group is not None:  # beside the queue: an answer may take long, records must not wait
                    self._group.create_task(ask(), name=f"evse-{self.evse_id}-authorize")
            case BeginTransaction():
                self._begin(output)
            case UpdateTransaction(trigger, state):
                self.book.change_state(trigger, state)
            case EndTransaction():
                self.book.end(output, plugged=self.session.plugged)
                self._rooms.arbiter.withdraw(self.evse_id, Source.CAR)
                self._rooms.ocpp.transaction_ended(self.evse_id)

    def _begin(self, begin: BeginTransaction) -> None:
        transaction_id = self.book.begin(begin, self._rooms.clock.monotonic_s())
        if transaction_id is None:  # the session looked at the meter a moment ago
            self._log.error("! no meter reading at the begin of a transaction")
            self.feed(StopOrdered(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION))
            return
        self.session.transaction_id = transaction_id

    # -- inside ------------------------------------------------------------------------------------------------------

    def _tell_setpoint(self, new: Setpoint) -> None:
        old = self.setpoint
        changed = abs(new.power_W - old.power_W) > 100.0 or new.limited_by is not old.limited_by
        if changed and self.book.state is not None and self.session.stop is None:  # a stopping stage obeys no setpoint
            self._log.info("= %s", new.explanation)

    def _sample(self, context: ReadingContext, *, however_old: bool = False) -> MeterSample | None:
        """See `Sampler`. What was last read outlives a power process that was started again and has read nothing yet."""
        meter, car, now_s = self._meter, self.session.car, self._rooms.clock.monotonic_s()
        if meter is None or not (however_old or self.session.meter_fresh(now_s)):
            return None
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

    async def _keep_time(self) -> None:
        """Sampling, and the silence of the power process."""
        while True:
            await asyncio.sleep(0.1)
            now_s = self._rooms.clock.monotonic_s()
            if not self._lost and now_s - self._image_s > self._rooms.config.power.lease_s:
                self._lost = True
                self._log.error("! power process silent for %.1f s", now_s - self._image_s)
                self.feed(PowerProcessLost())
                if self.secc is not None:
                    self.secc.inputs_changed()
            else:
                self.feed(TimePassed())
            self.book.keep_time(now_s, self._rooms.clock.utc())
