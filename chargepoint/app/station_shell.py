"""The shell around the station's decisions: carries events in, performs effects in order, keeps time. Decides nothing.

Implements `ports.StationPort`, the one interface for orders of the central system, the site bus, the page and the local command. What must
wait for the disk or the network goes through one queue of work per EVSE, so that records are stored in the order they were made.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import assert_never

from chargepoint import __version__
from chargepoint.app.work_queue import Work, WorkQueue
from chargepoint.control.car_plans import NeedsTaken
from chargepoint.control.effects import (
    AnswerCar,
    AskForContract,
    AskForToken,
    DropCar,
    Effect,
    ForgetCarSession,
    KeepLastSession,
    NotifyCar,
    NotifyReaders,
    RelayInstallation,
    ReportConnector,
    ReportLimit,
    ReportNeeds,
    ReportPlan,
    ReportReading,
    ResetLatches,
    Restart,
    SendDemand,
    StopAll,
    StoreRecord,
    WriteLine,
)
from chargepoint.control.evse_control import TICK_S, ControlEvent, InstallationAnswered
from chargepoint.control.last_session import LastSession
from chargepoint.control.station_control import StationControl
from chargepoint.evse.events import AuthorizationAnswered, ContractAnswered, StorageChanged
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.car import CarEvent
from chargepoint.model.commands import CommandResult, ResetKind, StationCommand
from chargepoint.model.data_link import DataLinkEvent
from chargepoint.model.faults import FaultCleared, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, PowerEvent
from chargepoint.model.instant import Instant
from chargepoint.model.station_view import StationView
from chargepoint.model.status import EvseState
from chargepoint.ocpp.blocks.effects import ExternalLimitChanged
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.power.link_client import LinkClient
from chargepoint.slac.modem_socket import ModemSocket
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError, StoreFull
from chargepoint.store.rows import Enqueue, Journal, JournalEntry, Keep, Write
from chargepoint.transactions.ledger import LedgerState

STORE_RETRY_S = 1.0

STATION = EvseId(0)
"""The queue of work that belongs to no EVSE."""


LAST_SESSION_SPACE = "last-session"
"""Kept by EVSE: the result of its last session."""
CAR_SESSION_SPACE = "car-session"
"""Kept by EVSE: the car's session that may go on."""
TRANSACTION_SPACE = "transaction"
"""Kept by EVSE: its unfinished transaction, as the ledger left it."""


def keep_transaction(evse_id: EvseId, state: LedgerState | None) -> Keep:
    """Keep an EVSE's unfinished transaction; None: it has ended."""
    return Keep(TRANSACTION_SPACE, str(evse_id), None if state is None else state.to_json())


class StationShell:
    """Everything the daemon does for `StationControl`. Call `join` once before `run`."""

    def __init__(self, control: StationControl, store: Store, clock: Clock) -> None:
        self.control = control
        self._store = store
        self._clock = clock
        self._work = {number: WorkQueue(self._log_of(number)) for number in (STATION, *control.evses)}
        self._effects: deque[Effect] = deque()
        self._performing = False
        self._storage_trouble = ""
        self._notified: set[EvseId] = set()
        self._group: asyncio.TaskGroup | None = None
        self._cars: Mapping[EvseId, SeccServer] = {}
        self._modems: Mapping[EvseId, ModemSocket] = {}
        self._link: LinkClient | None = None
        self._ocpp: OcppClient | None = None
        self._restart: Callable[[ResetKind], None] = lambda _: None
        self._also_keep: Callable[[EvseId, LastSession], tuple[Write, ...]] = lambda evse_id, last: ()

    def join(
        self,
        link: LinkClient,
        ocpp: OcppClient,
        cars: Mapping[EvseId, SeccServer],
        restart: Callable[[ResetKind], None],
        modems: Mapping[EvseId, ModemSocket] | None = None,
    ) -> None:
        """Give the shell the parts that perform the effects: link, OCPP client, cars, restart; and the modems of SLAC."""
        self._link, self._ocpp, self._cars, self._restart = link, ocpp, cars, restart
        self._modems = modems or {}

    def also_keep_sessions(self, rows: Callable[[EvseId, LastSession], tuple[Write, ...]]) -> None:
        """Store these rows in the same commit as the result of a finished session."""
        self._also_keep = rows

    async def run(self) -> None:
        """Carry out work in order and keep time, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for number, work in self._work.items():
                group.create_task(work.run(), name=f"evse-{number}-work")
            group.create_task(self._keep_time(), name="station-time")

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.perform(self.control.tick(self._now()))

    @property
    def nothing_to_store(self) -> bool:
        """True when every record that was made is on the disk."""
        return all(work.empty for work in self._work.values())

    # -- StationPort -----------------------------------------------------------------------------------------------

    def evse_states(self) -> tuple[EvseState, ...]:
        """Every EVSE, in order."""
        return self.control.evse_states(self._clock.monotonic_s())

    def command(self, command: StationCommand) -> CommandResult:
        """Carry out the command; the outcome says whether, and if not, why."""
        result, effects = self.control.command(command, self._now())
        self.perform(effects)
        return result

    def firmware_version(self) -> str:
        """This program's version."""
        return __version__

    # -- events in ---------------------------------------------------------------------------------------------------

    def on_image(self, image: EvseImage) -> None:
        """A process image of the power process."""
        self._feed(image.evse_id, image)
        if (modem := self._modems.get(image.evse_id)) is not None:
            modem.note_pilot(image.pilot, wanted=self.control.evses[image.evse_id].view.wants_data_link)

    def on_power_event(self, event: PowerEvent) -> None:
        """A trip, a cleared fault, a token."""
        self._feed(event.evse_id, event)
        if isinstance(event, InterlockTripped | FaultCleared):
            self._add(event.evse_id, lambda: self._joined.inform(event))

    def on_car_events(self, evse_id: EvseId, events: Sequence[CarEvent]) -> None:
        """Events of the car's conversation, in order."""
        for event in events:
            self._feed(evse_id, event)

    def on_data_link(self, event: DataLinkEvent) -> None:
        """What SLAC reports of the modem and its link."""
        self._feed(event.evse_id, event)

    def station_view(self, evse_id: EvseId) -> StationView:
        """The values from which the SECC makes its answers to the car."""
        return self.control.evses[evse_id].station_view()

    def on_car_session_kept(self, evse_id: EvseId, kept: KeptSession | None) -> None:
        """What a car needs to go on with its session after a pause, a lost connection or a restart; None: nothing."""
        text = None if kept is None else kept.to_json()
        self._add(evse_id, lambda: self._store.commit(Keep(CAR_SESSION_SPACE, str(evse_id), text)))

    def _feed(self, evse_id: EvseId, event: ControlEvent) -> None:
        self.perform(self.control.feed(evse_id, event, self._now()))

    # -- effects out -------------------------------------------------------------------------------------------------

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry these out after those under way: an effect that leads to an event never overtakes an earlier effect."""
        self._effects.extend(effects)
        if self._performing:
            return
        self._performing = True
        try:
            while self._effects:
                self._perform_one(self._effects.popleft())
        finally:
            self._performing = False

    def _perform_one(self, effect: Effect) -> None:
        assert self._link is not None
        assert self._ocpp is not None
        match effect:
            case SendDemand(demand):
                self._link.demand(demand)
            case NotifyCar(evse_id):
                self._notify_car(evse_id)
            case ResetLatches(evse_id, author):
                self._write(evse_id, "*", f"reset of latched faults, asked by {author}")
                self._link.reset_faults(evse_id, author)
            case StoreRecord():
                self._store_record(effect)
            case KeepLastSession(evse_id, last):
                keep = Keep(LAST_SESSION_SPACE, str(evse_id), last.to_json())
                also = self._also_keep(evse_id, last)
                self._add(evse_id, lambda: self._store.commit(keep, *also))
            case ReportReading(evse_id, sample):
                self._add(evse_id, lambda: self._joined.meter_values(evse_id, sample))
            case AskForToken(evse_id):
                self._begin(self._ask(evse_id, effect), f"evse-{evse_id}-authorize")
            case StopAll(token):
                self.perform(self.control.stop_all(token, self._now()))
            case ReportNeeds(evse_id):
                self._begin(self._report_needs(evse_id, effect), f"evse-{evse_id}-needs")
            case ReportPlan(plan):
                self._add(plan.evse_id, lambda: self._joined.car_plan(plan))
            case AskForContract(evse_id):
                self._begin(self._ask_for_contract(evse_id, effect), f"evse-{evse_id}-contract")
            case RelayInstallation(evse_id):
                self._begin(self._relay(evse_id, effect), f"evse-{evse_id}-installation")
            case ReportConnector(change):
                self._add(change.evse_id, lambda: self._joined.status_changed(change))
            case WriteLine(evse_id, letter, text):
                self._write(evse_id, letter, text)
            case AnswerCar(evse_id, number, answer):
                if evse_id in self._cars:  # in the loop's next turn: the car's own bytes may be in work now
                    asyncio.get_running_loop().call_soon(self._cars[evse_id].answer, number, answer)
            case DropCar(evse_id):
                if evse_id in self._cars:
                    self._cars[evse_id].unplugged()
            case ForgetCarSession(evse_id):
                if evse_id in self._cars:
                    self._cars[evse_id].forget()
            case NotifyReaders():
                self._ocpp.states_changed()
            case ReportLimit(limit, line):
                if line is not None:
                    self._write(STATION, "*", line)
                self._add(STATION, lambda: self._joined.inform(ExternalLimitChanged(limit)))
            case Restart(kind):
                self._restart(kind)
            case _:
                assert_never(effect)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        """Beside the queue: an answer may take long, records must not wait. A daemon that ends begins nothing new."""
        try:
            if self._group is None:
                work.close()
            else:
                self._group.create_task(work, name=name)
        except RuntimeError:  # the group is being cancelled: cars may still speak in these milliseconds
            work.close()

    @property
    def _joined(self) -> OcppClient:
        assert self._ocpp is not None
        return self._ocpp

    async def _ask(self, evse_id: EvseId, question: AskForToken) -> None:
        verdict = await self._joined.authorize(question.token, evse_id, question.running)
        answer = AuthorizationAnswered(
            question.token, verdict.status, verdict.why, verdict.may_stop, verdict.master_pass
        )
        self._feed(evse_id, answer)

    async def _ask_for_contract(self, evse_id: EvseId, question: AskForContract) -> None:
        judged = await self._joined.authorize_contract(question.contract, evse_id)
        self._feed(evse_id, ContractAnswered(question.asked, judged))

    async def _report_needs(self, evse_id: EvseId, report: ReportNeeds) -> None:
        wait = await self._joined.charging_needs(report.needs)
        if report.number is not None:
            self._feed(evse_id, NeedsTaken(report.number, wait))

    async def _relay(self, evse_id: EvseId, question: RelayInstallation) -> None:
        relayed = await self._joined.install_certificate(question.question)
        self._feed(evse_id, InstallationAnswered(question.number, relayed))

    def _notify_car(self, evse_id: EvseId) -> None:
        """In the loop's next turn: the car's own bytes may be in work now."""
        if evse_id not in self._cars or evse_id in self._notified:
            return
        self._notified.add(evse_id)

        def notify() -> None:
            self._notified.discard(evse_id)
            self._cars[evse_id].view_changed()

        asyncio.get_running_loop().call_soon(notify)

    def _store_record(self, made: StoreRecord) -> None:
        """Ledger state and message in one database transaction; tried until it is on the disk."""
        ocpp = self._joined
        row = ocpp.outbox_row(made.record)
        keep = keep_transaction(made.evse_id, made.state)
        log = self._log_of(made.evse_id)

        async def commit() -> None:
            while True:
                try:
                    await self._store.commit(keep, Enqueue(row))
                    self._note_storage("")
                    break
                except StoreError as error:
                    log.error("! record %d of the transaction not stored, trying again: %s", made.record.seq_no, error)
                    self._note_storage("the disk is full" if isinstance(error, StoreFull) else "see the log")
                    await asyncio.sleep(STORE_RETRY_S)
            ocpp.outbox_changed()
            ocpp.states_changed()

        self._work[made.evse_id].add_always(commit)

    def _note_storage(self, trouble: str) -> None:
        """All EVSEs have one disk."""
        if trouble == self._storage_trouble:
            return
        self._storage_trouble = trouble
        for evse_id in self.control.evses:
            self._feed(evse_id, StorageChanged(trouble))

    def _write(self, evse_id: EvseId, letter: str, text: str) -> None:
        log = self._log_of(evse_id)
        (log.warning if letter == "!" else log.info)("%s %s", letter, text)
        if letter != "=":
            entry = JournalEntry(self._clock.utc(), letter, text if evse_id == STATION else f"evse {evse_id}: {text}")
            self._add(evse_id, lambda: self._store.commit(Journal(entry)))

    def _add(self, evse_id: EvseId, work: Work) -> None:
        self._work[evse_id].add(work)

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _now(self) -> Instant:
        return Instant(self._clock.monotonic_s(), self._clock.utc())

    @staticmethod
    def _log_of(evse_id: EvseId) -> logging.Logger:
        return logging.getLogger("station" if evse_id == STATION else f"evse-{evse_id}")
