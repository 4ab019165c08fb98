"""Three CAN modules of different ratings in parallel on one bus and one battery, in virtual time."""

from __future__ import annotations

import pytest

from chargepoint.ports import PowerModuleCommand, PowerModuleState
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.can_module import CanModule
from drivers.power_module.infypower import COMM_LOSS_S, InfypowerBeg1k075g
from hil.plant.module import ModulePlant
from hil.simulators.can_modules import InfypowerModel
from tests.unit.drivers.can_line import MemoryLine

BATTERY_V, BATTERY_OHM = 400.0, 0.1
RATINGS_A = (20.0, 40.0, 40.0)


class Rack:
    def __init__(self) -> None:
        self.models = [
            InfypowerModel(unit, ModulePlant(nominal_A=rating_A, nominal_W=rating_A * 500.0))
            for unit, rating_A in enumerate(RATINGS_A, start=1)
        ]
        self.line = MemoryLine(self.models, self._flow)
        drivers = [CanModule(f"m{model.unit}", InfypowerBeg1k075g(model.unit), self.line) for model in self.models]
        self.array = PowerModuleArray("rack", drivers)
        self.highest_A = 0.0
        self.run(0.6)

    def _flow(self, dt_s: float) -> None:
        volts_V = BATTERY_V + BATTERY_OHM * self.total_A
        for model in self.models:
            plant = model.plant
            plant.terminal_V = volts_V
            plant.current_A = plant.wanted((plant.voltage_set_V - BATTERY_V) / BATTERY_OHM, dt_s)
        self.highest_A = max(self.highest_A, abs(self.total_A))

    @property
    def currents_A(self) -> list[float]:
        return [model.plant.current_A for model in self.models]

    @property
    def total_A(self) -> float:
        return sum(self.currents_A)

    @property
    def state(self) -> PowerModuleState:
        assert self.array.state is not None
        return self.array.state.value

    def run(self, seconds: float) -> None:
        self.line.run([self.array], seconds)

    def order(self, current_A: float, seconds: float = 1.5) -> None:
        self.array.command(PowerModuleCommand(True, current_A, 450.0, 300.0))
        self.run(seconds)


@pytest.fixture
def rack() -> Rack:
    return Rack()


def test_each_takes_its_part_in_both_directions(rack: Rack) -> None:
    rack.order(50.0)
    assert rack.currents_A == pytest.approx([10.0, 20.0, 20.0], abs=0.2)
    rack.array.command(PowerModuleCommand())
    rack.run(1.5)
    rack.order(-50.0)
    assert rack.currents_A == pytest.approx([-10.0, -20.0, -20.0], abs=0.2)
    assert rack.state.faults == () and rack.state.degraded == ()


def test_one_that_loses_its_bus_under_load_is_replaced_after_its_own_time_out(rack: Rack) -> None:
    rack.order(50.0)
    rack.highest_A = 0.0
    rack.models[1].faults.add("deaf")
    rack.run(5.0)
    assert rack.currents_A == pytest.approx([10.0, 20.0, 20.0], abs=0.2)  # it drives on, so nobody takes its part
    assert rack.state.degraded == ("m2: silent",)
    rack.run(COMM_LOSS_S)
    assert rack.currents_A == pytest.approx([50.0 / 3, 0.0, 100.0 / 3], abs=0.2)
    assert rack.highest_A <= 50.5
    assert rack.state.faults == ()


def test_one_that_dies_under_load_and_wakes_up(rack: Rack) -> None:
    rack.order(-50.0)
    rack.highest_A = 0.0
    rack.models[2].plant.raise_alarm()
    rack.run(1.5)
    assert rack.currents_A == pytest.approx([-50.0 / 3, -100.0 / 3, 0.0], abs=0.2)
    rack.models[2].plant.alarm = False
    rack.run(2.0)
    assert rack.currents_A[2] == 0.0
    assert rack.highest_A <= 50.5


def test_every_module_has_its_order_to_switch_off_within_the_pace(rack: Rack) -> None:
    rack.order(50.0)
    rack.line.sent.clear()
    started_s = rack.line.now_s
    rack.array.command(PowerModuleCommand())
    rack.run(0.05)
    off_s = [at_s - started_s for at_s, frame in rack.line.sent if frame.data.hex() == "11100000000000a1"]
    assert len(off_s) >= 3 and off_s[2] <= 0.0101
    assert not any(model.plant.output_on for model in rack.models)


def test_eight_modules_fit_on_one_bus() -> None:
    models = [InfypowerModel(unit, ModulePlant()) for unit in range(1, 9)]
    line = MemoryLine(models)
    drivers = [CanModule(f"m{model.unit}", InfypowerBeg1k075g(model.unit), line) for model in models]
    array = PowerModuleArray("rack", drivers)
    line.run([array], 2.0)
    line.sent.clear()
    before = sum(driver.unanswered for driver in drivers)  # all begin at once, and that takes a while
    line.run([array], 5.0)
    assert array.state is not None
    assert line.now_s - array.state.taken_at_s < 0.3
    assert sum(driver.unanswered for driver in drivers) == before
    frames_per_s = 2 * len(line.sent) / 5.0
    assert frames_per_s < 125_000 / 131
