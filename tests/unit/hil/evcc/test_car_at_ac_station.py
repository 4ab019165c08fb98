"""The virtual AC car and the station's conversation face to face, in time as a number: no answer breaks the standard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.iso20.protocol import served
from chargepoint.model.car import (
    CarDemand,
    CarDemandChanged,
    CarSessionEnded,
    ControlMode,
    EnergyService,
    QuestionAsked,
)
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece
from chargepoint.model.demand import Phase
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import AcSupply, MeterRegisters, Stage, StageCapabilities
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import StationView
from hil.simulators.evcc.body import MemoryBody
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.orders import OrderConnection
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.spec import CarSpec

STEP_S = 0.01
CAN = StageCapabilities(230.0, 230.0, 96.0, 48.0, 22_000.0, 11_000.0, AcSupply(230.0, 50.0, 3, 32.0))


class FaceToFace:
    """Car and conversation on one clock. `setpoint_W` is what the station orders; a contactor follows the car's messages."""

    def __init__(self, spec: CarSpec, plan: CarPlan, services: tuple[EnergyService, ...]) -> None:
        self.t = 1000.0
        self.body = MemoryBody()
        self.car = CarCore(spec, plan, self.t, 1_800_000_000.0)
        settings = SeccSettings(1, "DE*OCP*E1", services, tuple(ControlMode))
        self.station = Conversation(
            settings, served(settings), Peer("fe80::1"), lambda count: b"\x07" * count, self.now
        )
        self.view = StationView(
            authorized=True,
            may_energise=True,
            transaction_id=TransactionId("tx-1"),
            permitted=True,
            capabilities=CAN,
            limits_W=Interval(-11_000.0, 22_000.0),
            meter=MeterRegisters(10.0, 5.0, 230.0, 0.0, 0.0, 0.0),
        )
        self.setpoint_W = 0.0
        self.demand: CarDemand | None = None
        self.ended: CarSessionEnded | None = None
        self.flowed_W: list[float] = []

    @property
    def now(self) -> Now:
        return Now(self.t, 1_800_000_000 + int(self.t - 1000.0))

    def run(self, seconds: float) -> FaceToFace:
        until_s = self.t + seconds
        while self.t < until_s and not self.car.ended:
            self.t += STEP_S
            self.car.measured(self.body.inlet)
            self.car.tick(self.t)
            for order in self.car.orders():
                self.body.perform(order)
                if isinstance(order, OrderConnection):
                    self.car.connected(None, self.t)
            if data := self.car.to_send(self.t):
                self.station.receive(data, self.now)
            self._live()
            if data := self.station.to_send():
                self.car.receive(data, self.t)
            self.flowed_W.append(self.body.inlet.charger_W)
        return self

    def _live(self) -> None:
        for event in self.station.events():
            match event:
                case QuestionAsked(number=number, question=ForeseePower(_, horizon_s, _)):
                    whole = PowerForeseen((PowerPiece(horizon_s, 22_000.0, 11_000.0),))
                    self.station.answer(number, whole, self.now)
                case CarDemandChanged(demand):
                    self.demand = demand
                case CarSessionEnded():
                    self.ended = event
        transfer = self.demand is not None and self.demand.phase is Phase.TRANSFER and self.body.inlet.pilot == "C"
        stage = Stage.TRANSFER if transfer else Stage.OFF
        power_W = self.body.inlet.charger_W
        view = replace(self.view, stage=stage, setpoint_W=self.setpoint_W, voltage_V=230.0, power_W=power_W)
        self.station.update(replace(view, current_A=power_W / 230.0), self.now)


def face_to_face(mode: str, bidirectional: bool, wishes: tuple[CarWish, ...] = (), **spec: Any) -> FaceToFace:
    services = (EnergyService.AC_BPT, EnergyService.AC) if bidirectional else (EnergyService.AC,)
    return FaceToFace(CarSpec(control_mode=mode, **spec), CarPlan(energy=("AC",), wishes=wishes), services)


@pytest.mark.parametrize("asymmetric", [False, True], ids=["sum", "by-phase"])
@pytest.mark.parametrize("bidirectional", [True, False], ids=["bpt", "one-way"])
@pytest.mark.parametrize("mode", ["dynamic", "scheduled"])
def test_a_whole_session_breaks_no_rule(mode: str, bidirectional: bool, asymmetric: bool) -> None:
    it = face_to_face(mode, bidirectional, charger_asymmetric=asymmetric)
    it.setpoint_W = 6_000.0
    it.run(3.0)
    assert it.body.inlet.charger_W == pytest.approx(6_000.0, abs=5.0)
    it.setpoint_W = -4_000.0 if mode == "dynamic" and bidirectional else 2_000.0
    it.run(1.0)
    assert it.body.inlet.charger_W == pytest.approx(it.setpoint_W, abs=5.0)
    it.car.stop(it.t)
    it.run(5.0)
    assert it.car.ended
    assert it.car.progress.error is None
    assert it.car.violations == []
    assert it.body.inlet.charger_W == 0.0
    assert it.body.inlet.pilot == "B"
    assert it.ended is not None
    assert it.ended.end.value == "terminated"


def test_an_asymmetric_car_below_its_least_power_charges_on_one_phase() -> None:
    it = face_to_face("dynamic", False, charger_asymmetric=True, charger_power_min_W=4_140.0)
    it.setpoint_W = 3_000.0
    it.run(3.0)
    assert it.car.progress.target_power_W == pytest.approx(3_000.0, abs=2.0)
    assert it.car.violations == []


def test_standby_takes_the_power_away_and_gives_it_back() -> None:
    wishes = (CarWish("standby", at_loop=10), CarWish("leave_standby", at_loop=20))
    it = face_to_face("dynamic", True, wishes)
    it.setpoint_W = 6_000.0
    it.run(8.0)
    assert it.car.progress.error is None
    assert it.car.violations == []
    powers_W = [round(power_W) for power_W in it.flowed_W]
    begun = powers_W.index(6_000)
    rested = powers_W.index(0, begun)
    assert 6_000 in powers_W[rested:]
