"""The station's decisions with a power stage, a meter and a central system made of numbers, on a clock the test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.schema import Config, CsmsSection, EnergySection, EvseSection, FuseGuardSection
from chargepoint.control.car_plans import NeedsTaken
from chargepoint.control.effects import (
    AskForToken,
    DropCar,
    Effect,
    NotifyCar,
    NotifyReaders,
    ReportConnector,
    ReportNeeds,
    ReportReading,
    ResetLatches,
    Restart,
    SendDemand,
    StoreRecord,
    WriteLine,
)
from chargepoint.control.evse_control import ChargingVariables, ControlEvent, EvseControl
from chargepoint.control.station_control import StationControl
from chargepoint.evse.events import AuthorizationAnswered
from chargepoint.model.car import (
    CarConnected,
    CarDemand,
    CarDemandChanged,
    CarEnergy,
    CarEvent,
    ControlMode,
    EnergyService,
)
from chargepoint.model.commands import CommandResult, ResetKind, StationCommand
from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.image import (
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    PowerEvent,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.instant import Instant
from chargepoint.model.limits import PowerLimits
from chargepoint.model.status import AuthorizationStatus, ConnectorStatusChanged
from chargepoint.model.transactions import MeterSample, TransactionRecord
from chargepoint.transactions.ledger import LedgerState
from chargepoint.transactions.sampling import SamplingIntervals

EVSE = EvseId(1)
T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Bench:
    """`evses` EVSEs, all seen through the image of number 1; effects are kept in the order they were asked for."""

    def __init__(
        self, *, evses: int = 1, loop_timeout_s: float = 0.5, fuse_guard: FuseGuardSection | None = None, **energy: Any
    ) -> None:
        section = EvseSection(
            pilot="p", power_modules=("m",), meter="e", insulation="i", discharge_power_max_W=20_000.0
        )
        self.loop_timeout_s = loop_timeout_s
        config = Config(
            evse=dict.fromkeys(range(1, evses + 1), section),
            csms=CsmsSection(enabled=False),
            energy=EnergySection(**energy),
            fuse_guard=fuse_guard or FuseGuardSection(),
            iso15118=Iso15118Section(charge_loop_timeout_s=loop_timeout_s),
        )
        self.t = 1000.0
        self.variables = ChargingVariables(60.0, SamplingIntervals(60.0, 0.0))
        self.transactions = 0
        self.control = StationControl(config, lambda: self.variables, self._new_transaction_id)
        self.answer: AuthorizationStatus | None = AuthorizationStatus.ACCEPTED
        """What is answered about every token; None: nothing."""
        self.schedule_comes: bool | None = False
        """What the central system answers to a car's needs; None: nothing yet."""
        self.effects: list[Effect] = []
        self.stored: list[tuple[LedgerState | None, TransactionRecord]] = []
        self.readings: list[MeterSample] = []
        self.demands: list[StageDemand] = []
        self.resets: list[tuple[EvseId, str]] = []
        self.statuses: list[ConnectorStatusChanged] = []
        self.lines: list[tuple[str, str]] = []
        self.car_notified = 0
        self.car_dropped = 0
        self.readers_notified = 0
        self.restarts: list[ResetKind] = []
        self.pilot, self.stage = ControlPilot.A, Stage.OFF
        self.faults: frozenset[FaultCode] = frozenset()
        self.meter_age_s: float | None = 0.0
        self.import_Wh = 5000.0
        self.voltage_V: float | None = 400.0
        self.target_W = 0.0

    def _new_transaction_id(self) -> TransactionId:
        self.transactions += 1
        return TransactionId(f"tx-{self.transactions}")

    @property
    def evse(self) -> EvseControl:
        return self.control.evses[EVSE]

    @property
    def now(self) -> Instant:
        return Instant(self.t, T0 + timedelta(seconds=self.t - 1000.0))

    @property
    def records(self) -> list[TransactionRecord]:
        """What is to be stored, in order."""
        return [record for _, record in self.stored]

    def perform(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        for effect in effects:
            match effect:
                case SendDemand(demand):
                    self.demands.append(demand)
                case ResetLatches(evse_id, author):
                    self.resets.append((evse_id, author))
                case StoreRecord(_, record, state):
                    self.stored.append((state, record))
                case ReportReading(_, sample):
                    self.readings.append(sample)
                case AskForToken(evse_id, token):
                    if self.answer is not None:
                        self.feed(AuthorizationAnswered(token, self.answer), evse_id)
                case ReportNeeds(evse_id, int(number), _):
                    if self.schedule_comes is not None:
                        self.feed(NeedsTaken(number, self.schedule_comes), evse_id)
                case ReportConnector(change):
                    self.statuses.append(change)
                case WriteLine(_, letter, text):
                    self.lines.append((letter, text))
                case NotifyCar():
                    self.car_notified += 1
                case DropCar():
                    self.car_dropped += 1
                case NotifyReaders():
                    self.readers_notified += 1
                case Restart(kind):
                    self.restarts.append(kind)
        return effects

    # -- events --------------------------------------------------------------------------------------------------------

    def feed(self, event: ControlEvent, evse_id: EvseId = EVSE) -> list[Effect]:
        return self.perform(self.control.feed(evse_id, event, self.now))

    def power(self, event: PowerEvent) -> list[Effect]:
        return self.feed(event)

    def car(self, event: CarEvent) -> list[Effect]:
        return self.feed(event)

    def present(self, value: str = "04A1B2C3") -> list[Effect]:
        return self.feed(TokenPresented(EVSE, value, self.t))

    def command(self, command: StationCommand) -> CommandResult:
        result, effects = self.control.command(command, self.now)
        self.perform(effects)
        return result

    def image(self, evse_id: EvseId = EVSE) -> EvseImage:
        meter = None
        if self.meter_age_s is not None:
            meter = MeterRegisters(self.import_Wh, 70.0, 400.0, 10.0, 4000.0, self.t - self.meter_age_s)
        return EvseImage(
            evse_id=evse_id,
            seq=0,
            taken_at_s=self.t,
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

    def see(self, evse_id: EvseId = EVSE, **changes: Any) -> list[Effect]:
        for name, value in changes.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        return self.feed(self.image(evse_id), evse_id)

    def pass_time(self, seconds: float) -> None:
        """Time passes and no image comes."""
        for _ in range(round(seconds * 10)):
            self.t += 0.1
            self.perform(self.control.tick(self.now))

    def live(self, seconds: float, **changes: Any) -> None:
        """Time passes with an image every tenth of a second."""
        self.see(**changes)
        for _ in range(round(seconds * 10)):
            self.t += 0.1
            self.perform(self.control.tick(self.now))
            self.see()

    def connect(self) -> None:
        self.car(CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1"))

    def asks(self, phase: Phase, mode: ControlMode = ControlMode.DYNAMIC, **more: Any) -> list[Effect]:
        limits = PowerLimits(280.0, 450.0, 125.0, 50.0, 50_000.0, 18_000.0)
        energy = CarEnergy(soc_percent=55.0)
        more.setdefault("good_for_s", self.loop_timeout_s)
        demand = CarDemand(EVSE, self.t, phase, EnergyService.DC_BPT, mode, limits, energy, **more)
        return self.car(CarDemandChanged(demand))

    def begun(self) -> None:
        """Plugged in, authorised, a transaction running."""
        self.live(0.1, pilot=ControlPilot.B)
        self.present()
        assert self.evse.view.transaction_id is not None

    def transferring(self) -> None:
        """As `begun`, with a connected car in the charge loop and the stage in transfer."""
        self.begun()
        self.connect()
        self.asks(Phase.TRANSFER)
        self.see(stage=Stage.TRANSFER)


@pytest.fixture
def new_bench() -> Callable[..., Bench]:
    """Makes a bench: `new_bench(minimum_soc_percent=…)`."""
    return Bench


@pytest.fixture
def bench() -> Bench:
    """A bench with one EVSE that has seen nothing yet."""
    return Bench()
