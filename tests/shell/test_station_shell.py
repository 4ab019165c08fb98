"""The shell around the station's decisions: effects in order, records on the disk whatever the disk does, nothing decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from chargepoint.app import station_shell
from chargepoint.app.station_shell import TRANSACTION_SPACE, StationShell
from chargepoint.config.schema import Config, CsmsSection, EnergySection, EvseSection
from chargepoint.control.effects import AskForToken, DropCar, NotifyCar, SendDemand, StoreRecord, WriteLine
from chargepoint.control.evse_control import ChargingVariables
from chargepoint.control.station_control import StationControl
from chargepoint.model.car import CarConnected, CarEvent, CarSessionEnded, SessionEnd
from chargepoint.model.commands import Report, ReportKind, Reset, ResetFaults, ResetKind, StartTransaction
from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import (
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.status import AuthorizationStatus, ConnectorStatusChanged, TokenVerdict
from chargepoint.model.transactions import MeterSample, TransactionEventType, TransactionRecord
from chargepoint.ocpp.blocks.effects import SharedEvent
from chargepoint.store.errors import StoreFull
from chargepoint.store.rows import Enqueue, Journal, Keep, OutboxKind, OutboxRow
from chargepoint.transactions.sampling import SamplingIntervals

EVSE = EvseId(1)
T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
STARTED, UPDATED, ENDED = TransactionEventType.STARTED, TransactionEventType.UPDATED, TransactionEventType.ENDED


class MovedClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.t = 1000.0

    def monotonic_s(self) -> float:
        return self.t

    def utc(self) -> datetime:
        return T0 + timedelta(seconds=self.t - 1000.0)


class RecordingLink:
    """Keeps what would go to the power process."""

    def __init__(self) -> None:
        self.connected = True
        self.demands: list[StageDemand] = []
        self.resets: list[EvseId] = []

    def demand(self, demand: StageDemand) -> None:
        self.demands.append(demand)

    def reset_faults(self, evse_id: EvseId, *_: str) -> None:
        self.resets.append(evse_id)


class FailingStore:
    """Keeps what is committed; fails as often as `failures` says."""

    def __init__(self) -> None:
        self.writes: list[Any] = []
        self.failures = 0

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreFull("disk full")

    async def commit(self, *writes: Any) -> None:
        await asyncio.sleep(0)
        self._fail()
        self.writes += writes

    @property
    def records(self) -> list[tuple[Keep, OutboxRow]]:
        """Messages, each with what was kept in the same commit just before it."""
        pairs = zip(self.writes, self.writes[1:], strict=False)
        return [(keep, put.row) for keep, put in pairs if isinstance(put, Enqueue)]


class CentralSystemSide:
    """What the OCPP client is to the shell."""

    def __init__(self) -> None:
        self.made: dict[str, TransactionRecord] = {}
        self.statuses: list[ConnectorStatusChanged] = []
        self.values: list[MeterSample] = []
        self.events: list[SharedEvent] = []
        self.drains = 0
        self.status = AuthorizationStatus.ACCEPTED

    def outbox_row(self, record: TransactionRecord) -> OutboxRow:
        name = f"{record.transaction_id}/{record.seq_no}"
        assert name not in self.made, f"{name} was made twice"
        self.made[name] = record
        return OutboxRow(name, "TransactionEvent", "{}", OutboxKind.TRANSACTION, str(record.transaction_id))

    async def authorize(self, token: IdToken, evse_id: EvseId, running: IdToken | None = None) -> TokenVerdict:
        await asyncio.sleep(0)
        return TokenVerdict(self.status)

    async def status_changed(self, change: ConnectorStatusChanged) -> None:
        self.statuses.append(change)

    async def inform(self, event: SharedEvent) -> None:
        self.events.append(event)

    async def meter_values(self, evse_id: EvseId, sample: MeterSample) -> None:
        self.values.append(sample)

    def outbox_changed(self) -> None:
        self.drains += 1

    def states_changed(self) -> None:
        pass


class CarSide:
    """What the SECC's server is to the shell; reports the end of its session when the plug is pulled."""

    def __init__(self) -> None:
        self.changes = 0
        self.pulled = 0
        self.forgotten = 0
        self.shell: StationShell | None = None

    def view_changed(self) -> None:
        self.changes += 1

    def forget(self) -> None:
        self.forgotten += 1

    def unplugged(self) -> None:
        self.pulled += 1
        ended: CarEvent = CarSessionEnded(EVSE, SessionEnd.CONNECTION_LOST, "the plug was pulled")
        assert self.shell is not None
        self.shell.on_car_events(EVSE, [ended])


class Bench:
    """A shell around real decisions, with everything else replaced."""

    def __init__(self) -> None:
        section = EvseSection(
            pilot="p", power_modules=("m",), meter="e", insulation="i", discharge_power_max_W=20_000.0
        )
        config = Config(evse={1: section}, csms=CsmsSection(enabled=False), energy=EnergySection())
        self.clock, self.link, self.store = MovedClock(), RecordingLink(), FailingStore()
        self.csms, self.car = CentralSystemSide(), CarSide()
        self.restarts: list[ResetKind] = []
        numbers = iter(range(1, 1000))
        control = StationControl(
            config,
            lambda: ChargingVariables(60.0, SamplingIntervals(60.0, 0.0)),
            lambda: TransactionId(f"tx-{next(numbers)}"),
        )
        self.shell = StationShell(control, cast(Any, self.store), self.clock)
        self.car.shell = self.shell
        self.shell.join(cast(Any, self.link), cast(Any, self.csms), {EVSE: cast(Any, self.car)}, self.restarts.append)
        self.pilot, self.stage = ControlPilot.A, Stage.OFF
        self.faults: frozenset[FaultCode] = frozenset()

    async def settle(self) -> None:
        """Let everything run that can run now."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def see(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        now_s = self.clock.t
        self.shell.on_image(
            EvseImage(
                evse_id=EVSE,
                seq=0,
                taken_at_s=now_s,
                demand_seq=0,
                phase=Phase.OFF,
                stage=self.stage,
                pilot=self.pilot,
                duty_percent=5.0,
                contactor=Contactor.OPEN,
                lock=Lock.LOCKED,
                voltage_V=400.0,
                current_A=0.0,
                applied_W=0.0,
                target_W=0.0,
                limited_by_stage="",
                insulation_ohm=1e6,
                meter=MeterRegisters(5000.0, 70.0, 400.0, 10.0, 4000.0, now_s),
                temperature_degC=20.0,
                capabilities=StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0),
                faults=self.faults,
                permitted=not self.faults,
            )
        )
        await self.settle()

    async def present(self, value: str = "04A1B2C3") -> None:
        self.shell.on_power_event(TokenPresented(EVSE, value, self.clock.t))
        await self.settle()

    @property
    def records(self) -> list[TransactionRecord]:
        """What is on the disk, in the order it came there."""
        return [self.csms.made[row.message_id] for _, row in self.store.records]

    @property
    def journal(self) -> list[str]:
        return [write.entry.text for write in self.store.writes if isinstance(write, Journal)]


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A running shell that tries a failing disk again at once."""
    monkeypatch.setattr(station_shell, "STORE_RETRY_S", 0.0)
    made = Bench()
    task = asyncio.get_running_loop().create_task(made.shell.run())
    await made.settle()
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_transaction_reaches_the_disk_in_order(bench: Bench) -> None:
    await bench.see(pilot=ControlPilot.B)
    await bench.present()
    await bench.see(stage=Stage.TRANSFER)
    await bench.present()
    await bench.see(stage=Stage.OFF)
    records = bench.records
    assert [r.seq_no for r in records] == list(range(len(records)))
    assert (records[0].type, records[-1].type) == (STARTED, ENDED)
    *before, last = [keep for keep, _ in bench.store.records]
    assert all(keep.space == TRANSACTION_SPACE and keep.value is not None for keep in before)
    assert last == Keep(TRANSACTION_SPACE, "1", None)  # the EVSE's open transaction is forgotten in the same commit
    assert bench.csms.drains == len(records)
    assert bench.shell.nothing_to_store


async def test_a_failing_disk_delays_but_loses_and_reorders_nothing(bench: Bench) -> None:
    await bench.see(pilot=ControlPilot.B)
    bench.store.failures = 100_000
    await bench.present()
    await bench.see(stage=Stage.TRANSFER)
    for _ in range(5):
        bench.shell.command(Report(EVSE, ReportKind.TRANSACTION))
    await bench.settle()
    assert bench.records == []
    assert not bench.shell.nothing_to_store
    bench.store.failures = 0
    await bench.settle()
    assert [r.seq_no for r in bench.records] == list(range(7))
    assert bench.shell.nothing_to_store


async def test_a_failing_disk_is_an_obstacle_until_it_takes_a_record(bench: Bench) -> None:
    await bench.see(pilot=ControlPilot.B)
    await bench.present()
    bench.store.failures = 100_000
    bench.shell.command(Report(EVSE, ReportKind.TRANSACTION))
    await bench.settle()
    assert "records cannot be stored" in (bench.shell.control.evses[EVSE].view.obstacle or "")
    bench.store.failures = 0
    await bench.settle()
    assert bench.shell.control.evses[EVSE].view.obstacle is None


async def test_a_disk_full_for_long_costs_journal_lines_but_no_record(bench: Bench) -> None:
    await bench.see(pilot=ControlPilot.B)
    await bench.present()
    bench.store.failures = 1_000_000
    bench.shell.command(Report(EVSE, ReportKind.TRANSACTION))
    for _ in range(1200):
        bench.shell.on_power_event(TokenPresented(EVSE, "nonsense", bench.clock.t))
    for _ in range(3):
        bench.shell.command(Report(EVSE, ReportKind.TRANSACTION))
    await bench.settle()
    bench.store.failures = 0
    for _ in range(100):
        await bench.settle()
    assert [r.seq_no for r in bench.records] == [0, 1, 2, 3, 4]
    assert 0 < len(bench.journal) <= 1000


async def test_a_trip_and_its_end_reach_the_central_system_in_order(bench: Bench) -> None:
    tripped = InterlockTripped(EVSE, FaultCode.RCD, bench.clock.t, "30 mA")
    cleared = FaultCleared(EVSE, FaultCode.RCD, bench.clock.t)
    for event in (tripped, cleared):
        bench.shell.on_power_event(event)
    await bench.settle()
    assert bench.csms.events == [tripped, cleared]


async def test_a_failing_journal_stops_nothing(bench: Bench) -> None:
    await bench.see(pilot=ControlPilot.B)
    bench.store.failures = 1
    await bench.present("nonsense")
    await bench.present()
    assert [r.type for r in bench.records] == [STARTED]


async def test_story_lines_are_logged_and_only_faults_and_life_cycle_journalled(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for letter in "=!*":
        bench.shell.perform([WriteLine(EVSE, letter, f"line {letter}")])
    await bench.settle()
    assert bench.journal == ["evse 1: line !", "evse 1: line *"]
    assert [r.levelname for r in caplog.records if "line" in r.getMessage()] == ["INFO", "WARNING", "INFO"]


async def test_an_effect_that_leads_to_an_event_never_overtakes_an_earlier_one(bench: Bench) -> None:
    """The pulled plug makes the car's side report an end, which orders the stage off: the older order goes first."""
    await bench.see(pilot=ControlPilot.B)
    await bench.present()
    bench.shell.on_car_events(EVSE, [CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.link.demands.clear()
    older = StageDemand(EVSE, 0, 0.5, Phase.TRANSFER, PilotCommand.PWM, 5.0, True)
    bench.shell.perform([DropCar(EVSE), SendDemand(older)])
    assert bench.link.demands[0] == older
    assert bench.link.demands[-1].phase is Phase.OFF


async def test_the_car_is_notified_once_for_many_changes(bench: Bench) -> None:
    await bench.settle()
    before = bench.car.changes
    bench.shell.perform([NotifyCar(EVSE)] * 10)
    assert bench.car.changes == before  # the car's own bytes may be in work now
    await bench.settle()
    assert bench.car.changes == before + 1


async def test_orders_are_answered_at_once_and_performed(bench: Bench) -> None:
    await bench.see()
    assert bench.shell.command(ResetFaults(None, "command line")).accepted
    assert bench.link.resets == [EVSE]
    await bench.settle()
    assert bench.journal == ["evse 1: reset of latched faults, asked by command line"]
    assert not bench.shell.command(ResetFaults(EvseId(7), "command line")).accepted
    for _ in range(7):
        bench.clock.t += 0.1
        await bench.see()
    token = IdToken("R", IdTokenType.CENTRAL)
    assert bench.shell.command(StartTransaction(EVSE, token, 5, authorize=False)).accepted
    assert bench.shell.evse_states()[0].id_token == token
    assert bench.shell.firmware_version()


async def test_time_is_kept(bench: Bench) -> None:
    """The shell feeds the time by itself: a silent power process is noticed, and a restart happens."""
    await bench.see(pilot=ControlPilot.B)
    assert bench.shell.command(Reset(ResetKind.IMMEDIATE, None)).accepted
    bench.clock.t += 0.7
    async with asyncio.timeout(5):
        while not (bench.restarts and any("power process silent" in line for line in bench.journal)):
            await asyncio.sleep(0.02)
    assert bench.restarts == [ResetKind.IMMEDIATE]


async def test_a_refused_token_is_reported_with_its_reason(bench: Bench) -> None:
    bench.csms.status = AuthorizationStatus.BLOCKED
    await bench.see(pilot=ControlPilot.B)
    await bench.present()
    assert bench.records == []
    assert bench.shell.station_view(EVSE).authorized is False
    assert any("Blocked: this token is blocked" in line for line in bench.journal)


async def test_records_without_state_close_the_transaction(bench: Bench) -> None:
    await bench.see(pilot=ControlPilot.B)
    await bench.present()
    record = bench.records[0]
    bench.csms.made.clear()
    bench.shell.perform([StoreRecord(EVSE, record, None)])
    await bench.settle()
    assert bench.store.records[-1][0] == Keep(TRANSACTION_SPACE, "1", None)


async def test_a_daemon_that_ends_begins_nothing_new_and_no_car_hears_an_error() -> None:
    """Cars still speak while the daemon's tasks are being cancelled."""
    made = Bench()
    task = asyncio.get_running_loop().create_task(made.shell.run())
    await made.settle()
    question = AskForToken(EVSE, IdToken("04A1B2C3", IdTokenType.ISO14443), None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    made.shell.perform([question])
    Bench().shell.perform([question])  # before it ran, too
