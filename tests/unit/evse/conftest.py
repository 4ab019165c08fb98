"""One EVSE's session with a plant of numbers around it: images and events by hand, time as a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.evse.events import (
    AskAuthorization,
    AuthorizationAnswered,
    BeginTransaction,
    EndTransaction,
    ReportStatus,
    SessionEvent,
    SessionOutput,
    TimePassed,
)
from chargepoint.evse.session import EvseSession
from chargepoint.model.car import (
    CarConnected,
    CarDemand,
    CarDemandChanged,
    CarEnergy,
    CarSessionEnded,
    ControlMode,
    EnergyService,
    SessionEnd,
)
from chargepoint.model.demand import Phase, Setpoint, Source, StageDemand
from chargepoint.model.faults import FaultCode
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
from chargepoint.model.limits import Interval, PowerLimits
from chargepoint.model.status import AuthorizationStatus

EVSE = EvseId(1)
CAPABILITIES = StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0)
LIMITS = PowerLimits(280.0, 450.0, 125.0, 50.0, 50_000.0, 18_000.0)
SETPOINT = Setpoint(EVSE, 5000.0, Interval(-18_000, 22_000), Source.CSMS, None, "5 kW", 1e9)


class Station:
    """A session and what it sees. `feed` keeps the outputs."""

    def __init__(self, everybody: bool = False, loop_timeout_s: float = 0.5, *, matches: bool = False) -> None:
        self.loop_timeout_s = loop_timeout_s
        self.session = EvseSession(
            EVSE,
            authorize_everybody=everybody,
            lease_s=0.5,
            ev_connection_timeout_s=lambda: 60.0,
            new_transaction_id=self._new_transaction_id,
            matches=matches,
        )
        self.t = 100.0
        self.pilot = ControlPilot.A
        self.stage = Stage.OFF
        self.faults: frozenset[FaultCode] = frozenset()
        self.meter = True
        self.target_W = 0.0
        self.capabilities: StageCapabilities | None = CAPABILITIES
        self.outputs: list[SessionOutput] = []
        self.transactions = 0

    def _new_transaction_id(self) -> TransactionId:
        self.transactions += 1
        return TransactionId(f"tx-{self.transactions}")

    def feed(self, event: SessionEvent) -> list[SessionOutput]:
        fresh = self.session.feed(event, self.t)
        self.outputs += fresh
        return fresh

    def image(self) -> EvseImage:
        return EvseImage(
            evse_id=EVSE,
            seq=0,
            taken_at_s=self.t,
            demand_seq=0,
            phase=Phase.OFF,
            stage=self.stage,
            pilot=self.pilot,
            duty_percent=5.0,
            contactor=Contactor.OPEN,
            lock=Lock.LOCKED,
            voltage_V=400.0,
            current_A=0.0,
            applied_W=self.target_W,
            target_W=self.target_W,
            limited_by_stage="",
            insulation_ohm=1e6,
            meter=MeterRegisters(10.0, 5.0, 400.0, 0.0, 0.0, self.t) if self.meter else None,
            temperature_degC=20.0,
            capabilities=self.capabilities,
            faults=self.faults,
            permitted=not self.faults,
        )

    def see(self, **changes: Any) -> list[SessionOutput]:
        """The power stage or the plug changes, and an image tells it."""
        for name, value in changes.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        return self.feed(self.image())

    def wait(self, seconds: float) -> list[SessionOutput]:
        """Time passes in steps of a tenth of a second."""
        found: list[SessionOutput] = []
        for _ in range(round(seconds * 10)):
            self.t += 0.1
            found += self.feed(TimePassed())
        return found

    def live(self, seconds: float) -> list[SessionOutput]:
        """As `wait`, with an image at every step."""
        found: list[SessionOutput] = []
        for _ in range(round(seconds * 10)):
            self.t += 0.1
            found += self.see()
        return found

    def present(self, value: str = "04A1B2C3") -> list[SessionOutput]:
        return self.feed(TokenPresented(EVSE, value, self.t))

    def answer(
        self, status: AuthorizationStatus = AuthorizationStatus.ACCEPTED, value: str = "04A1B2C3"
    ) -> list[SessionOutput]:
        return self.feed(AuthorizationAnswered(IdToken(value, IdTokenType.ISO14443), status))

    def asks(
        self,
        phase: Phase,
        service: EnergyService = EnergyService.DC_BPT,
        mode: ControlMode = ControlMode.DYNAMIC,
        limits: PowerLimits = LIMITS,
        **more: Any,
    ) -> list[SessionOutput]:
        """The car says what it asks."""
        more.setdefault("good_for_s", self.loop_timeout_s)
        demand = CarDemand(EVSE, self.t, phase, service, mode, limits, CarEnergy(), **more)
        return self.feed(CarDemandChanged(demand))

    def connect(self) -> list[SessionOutput]:
        return self.feed(CarConnected(EVSE, "ISO 15118-20 DC", "TLSv1.3", "fe80::1"))

    def car_ends(self, end: SessionEnd = SessionEnd.TERMINATED, *, resumable: bool = False) -> list[SessionOutput]:
        return self.feed(CarSessionEnded(EVSE, end, "because", resumable=resumable))

    def order(self, setpoint: Setpoint = SETPOINT) -> StageDemand:
        return self.session.stage_demand(setpoint, self.t)

    def begun(self) -> Station:
        """Plugged in, authorised, a transaction running, the car connected."""
        self.see(pilot=ControlPilot.B)
        self.present()
        self.answer()
        self.connect()
        return self

    def transferring(self, **more: Any) -> Station:
        """As `begun`, with power flowing."""
        self.begun()
        self.asks(Phase.CABLE_CHECK, **more)
        self.see(pilot=ControlPilot.C, stage=Stage.CABLE_CHECK)
        self.asks(Phase.PRE_CHARGE, **more)
        self.see(stage=Stage.PRE_CHARGE)
        self.asks(Phase.TRANSFER, **more)
        self.see(stage=Stage.TRANSFER, target_W=5000.0)
        return self

    def of(self, kind: type, outputs: Iterable[SessionOutput] | None = None) -> list[Any]:
        return [o for o in (self.outputs if outputs is None else outputs) if isinstance(o, kind)]

    def ends(self) -> list[EndTransaction]:
        """Without the sentence that says what led to the end."""
        return [replace(end, detail="") for end in self.of(EndTransaction)]

    def begins(self) -> list[BeginTransaction]:
        return self.of(BeginTransaction)

    def asked(self) -> list[AskAuthorization]:
        return self.of(AskAuthorization)

    def statuses(self) -> list[str]:
        return [o.status.value for o in self.of(ReportStatus)]


@pytest.fixture
def new_station() -> Callable[..., Station]:
    """Makes a station with one EVSE: `new_station(everybody, loop_timeout_s, matches=...)`."""
    return Station


@pytest.fixture
def station() -> Station:
    """A station with one EVSE that is Available."""
    made = Station()
    made.see()
    made.live(0.6)
    return made
