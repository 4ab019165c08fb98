"""Meter and insulation-monitor drivers against simulated devices, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.readings import fresh
from drivers.insulation.bender import BenderMonitor
from drivers.meter.profiled import ProfiledMeter
from drivers.profile.load import shipped
from hil.plant.insulation import InsulationPlant
from hil.plant.meter import MeterPlant
from hil.simulators.registers.acrel_djsf1352 import AcrelDjsf1352
from hil.simulators.registers.bender_isoev425 import BenderIsoEv425
from hil.simulators.registers.sunspec_714 import SunSpec714

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus, Table


def _sunspec(scripted_bus: type[ScriptedBus], plant: MeterPlant, **params: Any) -> tuple[Any, ProfiledMeter]:
    bus = scripted_bus([SunSpec714(21, plant, 40_070)])
    given = {"base_address": 40_070.0, "invert": False, **params}
    return bus, ProfiledMeter("meter", shipped("sunspec_714_dc"), given, 21, bus.master)


def test_sunspec_reads_milliwatt_hours_with_the_devices_own_scale(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant(import_Wh=1234.5678, export_Wh=0.0421)
    plant.step(402.5, -25.01, 0.0)
    bus, meter = _sunspec(scripted_bus, plant)
    assert meter.registers is None
    bus.run([meter], 0.5)
    assert meter.registers is not None
    assert meter.registers.import_Wh == pytest.approx(1234.567)
    assert meter.registers.export_Wh == pytest.approx(0.042)
    assert meter.registers.voltage_V == pytest.approx(402.5)
    assert meter.registers.current_A == pytest.approx(-25.01)
    assert meter.registers.power_W == pytest.approx(-10_067, abs=1)


def test_inverted_wiring_swaps_registers_and_signs(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant(import_Wh=1.0, export_Wh=2.0)
    plant.step(400.0, 10.0, 0.0)
    bus, meter = _sunspec(scripted_bus, plant, invert=True)
    bus.run([meter], 0.5)
    assert meter.registers is not None
    assert (meter.registers.import_Wh, meter.registers.export_Wh) == (2.0, 1.0)
    assert meter.registers.current_A == -10.0
    assert meter.registers.power_W == -4000.0


def test_meter_is_read_ten_times_a_second_and_ages_when_silent(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant()
    bus, meter = _sunspec(scripted_bus, plant)
    bus.run([meter], 2.1)
    assert 19 <= sum(frame[1] == 3 for _, frame in bus.sent) <= 23
    plant.silent = True
    at_s = bus.now_s
    bus.run([meter], 2.0)
    assert meter.registers is not None
    assert meter.registers.taken_at_s <= at_s


def test_a_register_that_runs_backwards_is_believed_only_when_it_stays(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant(import_Wh=100.0)
    bus, meter = _sunspec(scripted_bus, plant)
    bus.run([meter], 0.5)
    plant.import_Wh = 1.0
    bus.run([meter], 0.15)
    assert meter.registers is not None
    assert meter.registers.import_Wh == 100.0
    bus.run([meter], 0.5)
    assert meter.registers.import_Wh == 1.0


def test_a_register_that_leaps_is_believed_only_when_it_stays(scripted_bus: type[ScriptedBus]) -> None:
    """One reading torn between two words must not be the last a transaction ever believes."""
    plant = MeterPlant(import_Wh=100.0)
    bus, meter = _sunspec(scripted_bus, plant)
    bus.run([meter], 0.5)
    plant.import_Wh = 65_636.0
    bus.run([meter], 0.15)
    assert meter.registers is not None
    assert meter.registers.import_Wh == 100.0
    plant.import_Wh = 100.5
    bus.run([meter], 0.15)
    assert meter.registers.import_Wh == 100.5
    plant.import_Wh = 65_636.0
    bus.run([meter], 0.5)
    assert meter.registers.import_Wh == 65_636.0


def test_leaps_that_do_not_agree_are_never_believed(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant(import_Wh=100.0)
    bus, meter = _sunspec(scripted_bus, plant)
    bus.run([meter], 0.5)
    for number in range(1, 9):
        plant.import_Wh = 100.0 + (1 + number % 2) * 65_536.0
        bus.run([meter], 0.1)
        assert meter.registers is not None
        assert meter.registers.import_Wh == 100.0


def test_what_a_meter_counted_while_it_was_not_heard_is_no_leap(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant(import_Wh=100.0)
    bus, meter = _sunspec(scripted_bus, plant)
    bus.run([meter], 0.5)
    plant.silent = True
    bus.run([meter], 8.0)
    plant.silent, plant.import_Wh = False, 2100.0  # 900 kW
    while meter.registers is not None and meter.registers.taken_at_s < bus.now_s - 0.3:
        bus.run([meter], 0.05)
    assert meter.registers is not None
    assert meter.registers.import_Wh == 2100.0


def test_a_meter_that_is_not_a_714_gives_nothing(scripted_bus: type[ScriptedBus], register_table: type[Table]) -> None:
    bus = scripted_bus([register_table(21, {40_070 + i: 103 for i in range(60)})])
    params = {"base_address": 40_070.0, "invert": False}
    meter = ProfiledMeter("meter", shipped("sunspec_714_dc"), params, 21, bus.master)
    bus.run([meter], 3.0)
    assert meter.registers is None
    assert "expected 714" in meter.identity_error


def test_acrel_exponents(scripted_bus: type[ScriptedBus]) -> None:
    plant = MeterPlant(import_Wh=70_000.9, export_Wh=3.0)
    plant.step(402.5, -25.01, 0.0)
    bus = scripted_bus([AcrelDjsf1352(1, plant)])
    meter = ProfiledMeter("meter", shipped("acrel_djsf1352"), {"invert": False}, 1, bus.master)
    bus.run([meter], 0.5)
    assert meter.registers is not None
    assert meter.registers.voltage_V == pytest.approx(402.5)
    assert meter.registers.current_A == pytest.approx(-25.01)
    assert meter.registers.import_Wh == 70_000.0


class Isolation:
    """A monitor, its driver, and the resistance it sees."""

    def __init__(self, scripted_bus: type[ScriptedBus]) -> None:
        self.plant = InsulationPlant()
        self.ohm = 10e6
        self.bus = scripted_bus([BenderIsoEv425(3, self.plant)], self.step)
        self.driver = BenderMonitor("imd", shipped("bender_isoev425"), {}, 3, self.bus.master)

    def step(self, dt_s: float) -> None:
        for _ in range(5):
            self.plant.step(self.ohm, 400.0, dt_s / 5)

    def run(self, seconds: float) -> None:
        self.bus.run([self.driver], seconds)

    def value(self) -> Any:
        assert self.driver.state is not None
        return self.driver.state.value


@pytest.fixture
def isolation(scripted_bus: type[ScriptedBus]) -> Isolation:
    return Isolation(scripted_bus)


def test_insulation_is_measured_and_a_drop_is_seen(isolation: Isolation) -> None:
    isolation.run(1.0)
    assert isolation.value().resistance_ohm == 5_000_000.0  # more than its range: the range's end
    assert isolation.value().measuring
    assert isolation.value().healthy
    isolation.ohm = 40_000.0
    isolation.run(1.2)
    assert isolation.value().resistance_ohm == 40_000.0


def test_enable_and_disable_are_written_once_until_shown(isolation: Isolation) -> None:
    isolation.run(1.0)
    isolation.driver.enable(False)
    isolation.run(1.0)
    assert not isolation.plant.running
    assert not isolation.value().measuring
    assert isolation.value().resistance_ohm is None
    writes = [frame for _, frame in isolation.bus.sent if frame[1] == 16]
    assert len(writes) == 1
    isolation.driver.enable(True)
    isolation.run(1.0)
    assert isolation.value().measuring
    assert isolation.value().resistance_ohm is not None


def test_self_test_passes_and_fails(isolation: Isolation) -> None:
    isolation.run(1.0)
    assert isolation.value().self_test_passed is None
    isolation.driver.start_self_test()
    isolation.run(1.0)
    assert isolation.value().self_test_passed is None
    isolation.run(3.0)
    assert isolation.value().self_test_passed is True
    isolation.plant.self_test_failing = True
    isolation.driver.start_self_test()
    assert isolation.value().self_test_passed is None
    isolation.run(5.0)
    assert isolation.value().self_test_passed is False
    assert not isolation.value().healthy


def test_a_self_test_that_never_begins_has_failed(isolation: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    isolation.run(1.0)
    monkeypatch.setattr(InsulationPlant, "start_self_test", lambda self: None)
    isolation.driver.start_self_test()
    isolation.run(7.0)
    assert isolation.value().self_test_passed is False


def test_a_monitor_that_answers_but_no_longer_measures_ages(isolation: Isolation) -> None:
    isolation.run(1.0)
    assert fresh(isolation.driver.state, isolation.bus.now_s, 1.0) is not None
    isolation.bus._step = None  # its measuring stands still, its communication does not
    isolation.run(3.0)
    assert fresh(isolation.driver.state, isolation.bus.now_s, 2.0) is None


def test_device_error_has_no_value(isolation: Isolation) -> None:
    isolation.run(1.0)
    isolation.plant.device_error = True
    isolation.run(1.0)
    assert not isolation.value().healthy
    assert isolation.value().resistance_ohm is None
