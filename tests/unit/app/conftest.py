"""One channel of the daemon with link, store and central system replaced, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoint.app.evse_channel import EvseChannel, Rooms
from chargepoint.config.schema import Config, CsmsSection, EnergySection, EvseSection
from chargepoint.energy.arbiter import Arbiter
from chargepoint.model.car import CarDemand, CarDemandChanged, CarEnergy, CarLimits, ControlMode, EnergyService
from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.image import (
    BusHealth,
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.status import AuthorizationStatus, ConnectorStatusChanged
from chargepoint.model.transactions import MeterSample, TransactionRecord
from chargepoint.store.errors import StoreFull
from chargepoint.store.rows import OpenTransaction, OutboxKind, OutboxRow

EVSE = EvseId(1)
T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
real_sleep = asyncio.sleep


class VirtualTime:
    """A clock and a `sleep` that wakes only when the test advances the time."""

    def __init__(self) -> None:
        self.t = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def monotonic_s(self) -> float:
        return self.t

    def utc(self) -> datetime:
        return T0 + timedelta(seconds=self.t - 1000.0)

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.t + seconds, next(self._count), woken))
        await woken

    async def settle(self) -> None:
        """Let everything run that can run now."""
        for _ in range(50):
            await real_sleep(0)

    async def advance(self, seconds: float) -> None:
        end_s = self.t + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end_s + 1e-9:
            at_s, _, woken = heapq.heappop(self._sleepers)
            self.t = max(self.t, at_s)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self.t = end_s


class Link:
    def __init__(self) -> None:
        self.connected = True
        self.demands: list[StageDemand] = []
        self.resets: list[EvseId] = []
        self.buses = {"main": BusHealth("main", 10, 0, 0, 0, 0, True)}

    def demand(self, demand: StageDemand) -> None:
        self.demands.append(demand)

    def reset_faults(self, evse_id: EvseId) -> None:
        self.resets.append(evse_id)


class Store:
    """Keeps what is committed; fails as often as it is told to."""

    def __init__(self) -> None:
        self.records: list[tuple[OpenTransaction | int, OutboxRow]] = []
        self.writes: list[Any] = []
        self.failures = 0

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreFull("disk full")

    async def commit(self, *writes: Any) -> None:
        await real_sleep(0)
        self._fail()
        self.writes += writes

    async def commit_record(self, transaction: OpenTransaction | int, row: OutboxRow) -> None:
        await real_sleep(0)
        self._fail()
        self.records.append((transaction, row))


class CentralSystem:
    """What the OCPP client is to a channel."""

    def __init__(self) -> None:
        self.made: dict[str, TransactionRecord] = {}
        self.told: list[ConnectorStatusChanged] = []
        self.values: list[MeterSample] = []
        self.drains = 0
        self.status = AuthorizationStatus.ACCEPTED
        self.ended: list[EvseId] = []
        self.aligned_s = 0

    def outbox_row(self, record: TransactionRecord) -> OutboxRow:
        name = f"{record.transaction_id}/{record.seq_no}"
        assert name not in self.made, f"{name} was made twice"
        self.made[name] = record
        return OutboxRow(name, "TransactionEvent", "{}", OutboxKind.TRANSACTION, str(record.transaction_id))

    async def authorize(self, token: IdToken, evse_id: EvseId) -> AuthorizationStatus:
        await real_sleep(0)
        return self.status

    async def status_changed(self, change: ConnectorStatusChanged) -> None:
        self.told.append(change)

    async def meter_values(self, evse_id: EvseId, sample: MeterSample) -> None:
        self.values.append(sample)

    def outbox_changed(self) -> None:
        self.drains += 1

    def states_changed(self) -> None:
        pass

    def transaction_ended(self, evse_id: EvseId) -> None:
        self.ended.append(evse_id)

    def sampling_intervals(self) -> tuple[int, int]:
        return 60, self.aligned_s

    def variable(self, key: str) -> str:
        assert key == "TxCtrlr/EVConnectionTimeOut"
        return "60"

    def snapshot(self) -> dict[str, object]:
        return {"connected": False}


class Car:
    """What the SECC's server is to a channel."""

    def __init__(self) -> None:
        self.changes = 0
        self.pulled = 0

    def inputs_changed(self) -> None:
        self.changes += 1

    def unplugged(self) -> None:
        self.pulled += 1

    def snapshot(self) -> dict[str, object]:
        return {"connected": True}


class Bench:
    """The channel, its fakes, and a power stage made of numbers."""

    def __init__(self, time: VirtualTime, **energy: Any) -> None:
        self.time = time
        section = EvseSection(
            pilot="p", power_modules=("m",), meter="e", insulation="i", discharge_power_max_W=20_000.0
        )
        self.config = Config(evse={1: section}, csms=CsmsSection(enabled=False), energy=EnergySection(**energy))
        self.arbiter, self.link, self.store, self.csms = Arbiter(), Link(), Store(), CentralSystem()
        rooms = Rooms(self.config, self.arbiter, self.link, self.store, self.csms, time, lambda: 1)  # type: ignore[arg-type]
        self.channel = EvseChannel(EVSE, rooms, logging.getLogger("bench"))
        self.car = Car()
        self.channel.secc = self.car  # type: ignore[assignment]
        self.pilot, self.stage = ControlPilot.A, Stage.OFF
        self.faults: frozenset[FaultCode] = frozenset()
        self.meter_age_s: float | None = 0.0
        self.import_Wh = 5000.0
        self.voltage_V: float | None = 400.0
        self.target_W = 0.0

    def image(self) -> EvseImage:
        meter = None
        if self.meter_age_s is not None:
            meter = MeterRegisters(self.import_Wh, 70.0, 400.0, 10.0, 4000.0, self.time.t - self.meter_age_s)
        return EvseImage(
            evse_id=EVSE,
            seq=0,
            taken_at_s=self.time.t,
            demand_seq=0,
            phase=Phase.OFF,
            stage=self.stage,
            pilot=self.pilot,
            duty_percent=5.0,
            contactor=Contactor.OPEN,
            lock=Lock.LOCKED,
            voltage_V=self.voltage_V,
            current_A=0.0,
            applied_W=self.target_W,
            target_W=self.target_W,
            limited_by_stage="",
            insulation_ohm=1e6,
            meter=meter,
            temperature_degC=20.0,
            capabilities=StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0),
            faults=self.faults,
            permitted=not self.faults,
        )

    def see(self, **changes: Any) -> None:
        for name, value in changes.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        self.channel.on_image(self.image())

    async def live(self, seconds: float, **changes: Any) -> None:
        """Time passes with an image every tenth of a second."""
        self.see(**changes)
        for _ in range(round(seconds * 10)):
            await self.time.advance(0.1)
            self.see()
        await self.time.settle()

    def asks(self, phase: Phase, mode: ControlMode = ControlMode.DYNAMIC, **more: Any) -> None:
        limits = CarLimits(450.0, 280.0, 50_000.0, 125.0, 18_000.0, 50.0)
        energy = CarEnergy(soc_percent=55.0)
        demand = CarDemand(EVSE, self.time.t, phase, EnergyService.DC_BPT, mode, limits, energy, **more)
        self.channel.on_car_events([CarDemandChanged(demand)])

    async def begun(self) -> None:
        await self.live(0.1, pilot=ControlPilot.B)
        self.channel.on_power_event(TokenPresented(EVSE, "04A1B2C3", self.time.t))
        await self.live(0.1)
        assert self.channel.session.transaction_id is not None

    @property
    def records(self) -> list[TransactionRecord]:
        """What is on the disk, in the order it came there."""
        return [self.csms.made[row.message_id] for _, row in self.store.records]


@pytest.fixture
async def new_bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Bench]]:
    """Makes a running bench: `new_bench(minimum_soc_percent=…)`."""
    time = VirtualTime()
    monkeypatch.setattr(asyncio, "sleep", time.sleep)
    tasks = []

    def make(**energy: Any) -> Bench:
        bench = Bench(time, **energy)
        tasks.append(asyncio.get_running_loop().create_task(bench.channel.run()))
        return bench

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
