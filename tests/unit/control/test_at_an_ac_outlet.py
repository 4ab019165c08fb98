"""An AC outlet: the car gets what the stage is ordered, a law at the measured frequency, a plan as its wish."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.control.effects import Effect
from chargepoint.model.car import CarDemand, CarDemandChanged, CarEnergy, ControlMode, EnergyService
from chargepoint.model.commands import Contribute
from chargepoint.model.demand import AcOrder, Contribution, FrequencyWattLaw, Phase, Source, Target
from chargepoint.model.image import AcSupply, ControlPilot, EvseImage, Stage, StageCapabilities
from chargepoint.model.limits import PowerLimits
from chargepoint.model.transactions import ChargingState
from tests.unit.control.conftest import EVSE, Bench

LIMITS = PowerLimits(230.0, 230.0, 16.0, 15.0, 11_000.0, 10_000.0)
CAN = StageCapabilities(230.0, 230.0, 96.0, 48.0, 22_000.0, 11_000.0, AcSupply(230.0, 50.0, 3, 32.0))
LAW = FrequencyWattLaw(0.0, ((49.8, -8_000.0), (50.2, 8_000.0)))


class AcBench(Bench):
    """A bench whose EVSE is an AC outlet; `power_W` is what flows, `frequency_Hz` the grid's."""

    def __init__(self, **energy: Any) -> None:
        super().__init__(**energy)
        self.power_W: float = 0.0
        self.frequency_Hz: float | None = 50.0
        self.voltage_V = 230.0

    def image(self, evse_id: Any = EVSE) -> EvseImage:
        last = self.demands[-1].power_W if self.demands else 0.0
        return replace(
            super().image(evse_id),
            capabilities=CAN,
            frequency_Hz=self.frequency_Hz,
            current_A=self.power_W / 230.0,
            applied_W=self.power_W,
            target_W=last,
        )

    def asks(self, phase: Phase, mode: ControlMode = ControlMode.DYNAMIC, **more: Any) -> list[Effect]:
        more.setdefault("good_for_s", 2.0)
        service = more.pop("service", EnergyService.AC_BPT)
        demand = CarDemand(EVSE, self.t, phase, service, mode, LIMITS, CarEnergy(soc_percent=55.0), **more)
        return self.car(CarDemandChanged(demand))

    def in_transfer(self, **more: Any) -> AcBench:
        self.begun()
        self.connect()
        self.asks(Phase.TRANSFER, **more)
        self.live(0.2, pilot=ControlPilot.C, stage=Stage.TRANSFER)
        return self

    def csms(self, target_W: Target) -> None:
        self.command(Contribute(EVSE, "ocpp", (Contribution(Source.CSMS, EVSE, 1e9, "profile", None, target_W),)))

    @property
    def for_car_W(self) -> float:
        return self.evse.station_view().setpoint_W

    @property
    def state(self) -> ChargingState:
        return self.evse.view.charging_state


def test_the_car_gets_what_the_stage_is_ordered() -> None:
    bench = AcBench().in_transfer()
    bench.csms(-4_000.0)
    assert bench.demands[-1].power_W == bench.for_car_W == -4_000.0
    assert bench.demands[-1].limits_W.low == -10_000.0
    order = bench.demands[-1].order
    assert isinstance(order, AcOrder)
    assert order.phase_limits_A == pytest.approx((11_000 / 230 / 3,) * 3)


def test_before_the_transfer_the_car_gets_0_W() -> None:
    bench = AcBench()
    bench.begun()
    bench.connect()
    bench.asks(Phase.OFF)
    assert bench.evse.setpoint.power_W > 0
    assert bench.for_car_W == 0.0


def test_a_stop_sends_the_car_0_W_at_once() -> None:
    bench = AcBench().in_transfer()
    assert bench.for_car_W == 11_000.0
    bench.present()
    assert bench.for_car_W == 0.0
    assert bench.demands[-1].phase is Phase.TRANSFER  # until the car stops by itself


@pytest.mark.parametrize(
    ("frequency_Hz", "power_W"), [(50.0, 0.0), (50.1, 4_000.0), (49.9, -4_000.0), (55.0, 8_000.0), (None, 0.0)]
)
def test_a_law_is_evaluated_at_the_measured_frequency(frequency_Hz: float | None, power_W: float) -> None:
    bench = AcBench().in_transfer()
    bench.csms(LAW)
    bench.see(frequency_Hz=frequency_Hz)
    assert bench.for_car_W == pytest.approx(power_W)
    assert bench.demands[-1].power_W == pytest.approx(power_W)
    assert bench.demands[-1].law is None
    assert bench.evse.station_view().frequency_Hz == frequency_Hz


def test_the_result_of_a_law_stays_within_the_limits() -> None:
    bench = AcBench().in_transfer()
    bench.csms(FrequencyWattLaw(0.0, ((49.0, -90_000.0), (51.0, 90_000.0))))
    bench.see(frequency_Hz=51.0)
    assert bench.for_car_W == 11_000.0
    bench.see(frequency_Hz=49.0)
    assert bench.for_car_W == -10_000.0


@pytest.mark.parametrize(
    ("planned_W", "power_W"), [(7_000.0, 7_000.0), (-5_000.0, -5_000.0), (None, 11_000.0), (0.0, 0.0)]
)
def test_a_scheduled_car_asks_for_what_it_plans(planned_W: float | None, power_W: float) -> None:
    bench = AcBench(default_power_W=3_000.0).in_transfer(mode=ControlMode.SCHEDULED, planned_power_W=planned_W)
    assert bench.for_car_W == power_W


@pytest.mark.parametrize(("csms_W", "power_W"), [(5_000.0, 5_000.0), (9_000.0, 7_000.0), (-9_000.0, 0.0)])
def test_a_set_point_lowers_the_plan_of_a_scheduled_car_and_never_turns_it(csms_W: float, power_W: float) -> None:
    bench = AcBench().in_transfer(mode=ControlMode.SCHEDULED, planned_power_W=7_000.0)
    bench.csms(csms_W)
    assert bench.for_car_W == power_W


def still(bench: AcBench, seconds: float, **changes: Any) -> None:
    """Time passes with images, and with a car that speaks."""
    for _ in range(round(seconds * 10)):
        bench.asks(Phase.TRANSFER, **changes)
        bench.live(0.1)


def test_charging_state_names_who_holds_back() -> None:
    bench = AcBench().in_transfer()
    still(bench, 1.0)
    assert bench.state is ChargingState.EV_CONNECTED  # the car has time to begin
    still(bench, 1.5)
    assert bench.state is ChargingState.SUSPENDED_EV  # ordered are 11 kW, the car takes nothing
    bench.see(power_W=90.0)
    assert bench.state is ChargingState.SUSPENDED_EV
    bench.see(power_W=6_000.0)
    assert bench.state is ChargingState.CHARGING
    bench.power_W = 60.0
    still(bench, 3.0)
    assert bench.state is ChargingState.CHARGING  # until it is below the lower bound
    bench.csms(0.0)
    bench.power_W = 0.0
    still(bench, 3.0)
    assert bench.state is ChargingState.SUSPENDED_EVSE
    still(bench, 0.2, standby=True)
    assert bench.state is ChargingState.SUSPENDED_EV
    bench.see(stage=Stage.OFF)
    assert bench.state is ChargingState.EV_CONNECTED


def test_a_turn_of_direction_is_no_suspension() -> None:
    bench = AcBench().in_transfer()
    bench.see(power_W=6_000.0)
    before = len(bench.records)
    bench.see(power_W=0.0)
    bench.t += 0.1
    bench.see(power_W=-6_000.0)
    assert bench.state is ChargingState.CHARGING
    assert len(bench.records) == before


def test_a_car_that_discharges_is_charging_in_the_words_of_ocpp() -> None:
    bench = AcBench().in_transfer()
    bench.see(power_W=-6_000.0)
    assert bench.state is ChargingState.CHARGING


def test_a_plan_of_0_W_is_the_car_s_own() -> None:
    bench = AcBench().in_transfer(mode=ControlMode.SCHEDULED, planned_power_W=0.0)
    still(bench, 2.5, mode=ControlMode.SCHEDULED, planned_power_W=0.0)
    assert bench.state is ChargingState.SUSPENDED_EV
