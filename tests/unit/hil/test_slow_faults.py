"""Sensors that show something else than the truth, and quantities that leave their value at a rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.evse import DRY_OHM, EvsePlant
from hil.plant.faults import inject
from hil.plant.insulation import InsulationPlant
from hil.plant.meter import MeterPlant
from hil.plant.module import ModulePlant
from hil.plant.sensor_error import SensorError
from hil.plant.sensors import SENSORS, distort
from hil.simulators.registers.generic_io import GenericIo

STEP_S = 0.002


def _run(evse: EvsePlant | AcOutletPlant, seconds: float) -> None:
    for _ in range(round(seconds / STEP_S)):
        evse.step(STEP_S)


@given(st.floats(-1e3, 1e3), st.floats(-10, 10), st.floats(-100, 100), st.integers(0, 50))
def test_an_error_is_a_factor_and_an_offset_that_grows(true: float, gain: float, per_s: float, steps: int) -> None:
    error = SensorError(gain, per_s)
    for _ in range(steps):
        error.step(0.1)
    assert error.shown(true) == pytest.approx(true * gain + per_s * steps * 0.1, abs=1e-6)


def test_a_stuck_sensor_keeps_what_it_showed_first() -> None:
    error = SensorError(stuck=True)
    assert [error.shown(value) for value in (4.0, 5.0, -1.0)] == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("name", SENSORS)
def test_every_sensor_can_be_wrong_and_right_again(name: str) -> None:
    evse = EvsePlant(1, {"m": ModulePlant(), "n": ModulePlant()})
    places = SENSORS[name].places(evse)
    distort(evse, name, lambda: SensorError(per_s=2.0))
    _run(evse, 1.0)
    assert [errors[quantity].offset for errors, quantity in places] == pytest.approx([2.0] * len(list(places)))
    distort(evse, name, None)
    assert [errors for errors, _ in places if errors] == []
    assert evse.drifting == {}


@pytest.mark.parametrize("fault", ["insulation", "insulation_falls", "pins_worn", "contactor_worn"])
def test_a_resistance_below_zero_is_refused_and_changes_nothing(fault: str) -> None:
    evse = EvsePlant(1)
    with pytest.raises(ValueError, match="-5: at least 0"):
        inject(evse, fault, True, -5.0)
    assert (evse.insulation_ohm, evse.faults) == (DRY_OHM, {})


def test_an_ac_outlet_has_no_insulation_monitor() -> None:
    outlet = AcOutletPlant(1)
    with pytest.raises(KeyError, match="insulation"):
        distort(outlet, "insulation", SensorError)
    distort(outlet, "cabinet_temperature", lambda: SensorError(per_s=1.0))
    _run(outlet, 2.0)
    assert outlet.board.shown_degC("cabinet") == pytest.approx(outlet.board.cabinet_degC + 2.0)


def test_each_module_has_an_error_of_its_own() -> None:
    evse = EvsePlant(1, {"m": ModulePlant(), "n": ModulePlant()})
    evse.modules["m"].terminal_V, evse.modules["n"].terminal_V = 100.0, 200.0
    distort(evse, "module_voltage", lambda: SensorError(stuck=True))
    assert [module.shown_V for module in evse.modules.values()] == [100.0, 200.0]


@pytest.mark.parametrize(
    ("error", "counted_Wh"),
    [(SensorError(gain=2.0), 20.0), (SensorError(stuck=True), 0.0), (SensorError(per_s=1.0), 3610.0)],
)
def test_a_meter_counts_wrongly_while_it_shows_the_right_power(error: SensorError, counted_Wh: float) -> None:
    meter = MeterPlant(errors={"energy": error})
    for _ in range(3600):
        meter.step(100.0, 0.1, 1.0)
    assert meter.import_Wh == pytest.approx(counted_Wh)
    assert meter.power_W == pytest.approx(10.0)


def test_a_wrong_current_of_the_meter_is_in_its_power_and_its_energy() -> None:
    meter = MeterPlant(errors={"current": SensorError(gain=0.5)})
    meter.step(400.0, 10.0, 3600.0)
    assert (meter.current_A, meter.power_W, meter.import_Wh) == (5.0, 2000.0, 2000.0)


def test_the_board_shows_a_wrong_temperature_and_its_own_switch_sees_the_right_one() -> None:
    evse = EvsePlant(1, {"m": ModulePlant()})
    distort(evse, "positive_temperature", lambda: SensorError(per_s=50.0))
    _run(evse, 2.0)
    registers = GenericIo(1, evse.board).read(4, 0, 24)
    assert registers is not None and 1250 in registers
    assert evse.board.latched & 1 << 7 == 0


def test_the_insulation_falls_from_where_it_is_down_to_zero() -> None:
    evse = EvsePlant(1, {"m": ModulePlant()})
    inject(evse, "insulation_falls", True, 4_000_000.0)
    _run(evse, 1.0)
    assert evse.insulation_ohm == pytest.approx(DRY_OHM - 4e6, rel=0.01)
    _run(evse, 3.0)
    assert evse.insulation_ohm == 0.0
    inject(evse, "insulation_falls", False)
    assert evse.insulation_ohm == DRY_OHM


def test_a_contact_heats_until_the_board_opens() -> None:
    evse = EvsePlant(1, {"m": ModulePlant()})
    inject(evse, "contact_heats", True, 20.0)
    _run(evse, 3.0)
    assert evse.board.temperature_degC == pytest.approx(85.0, abs=1.0)
    _run(evse, 0.5)
    assert evse.board.latched & 1 << 7


# -- the monitor ---------------------------------------------------------------------------------------------------


def _monitor(seconds: float, resistance: float, monitor: InsulationPlant) -> float | None:
    for _ in range(round(seconds / STEP_S)):
        monitor.step(resistance, 400.0, STEP_S)
    return monitor.measured_ohm


def test_a_short_dip_is_not_believed() -> None:
    monitor = InsulationPlant()
    _monitor(1.0, 1e6, monitor)
    assert _monitor(0.4, 1e4, monitor) == 1e6
    assert _monitor(1.0, 1e6, monitor) == 1e6


def test_a_change_that_lasts_is_believed_after_the_settling_time() -> None:
    monitor = InsulationPlant()
    _monitor(1.0, 1e6, monitor)
    assert _monitor(0.45, 1e4, monitor) == 1e6
    assert _monitor(0.2, 1e4, monitor) == 1e4


def test_a_resistance_that_goes_on_falling_is_followed() -> None:
    monitor = InsulationPlant()
    shown = []
    for tenth in range(50):
        shown.append(_monitor(0.1, 1e6 - tenth * 1e4, monitor))
    assert shown == sorted(shown, key=lambda ohm: -(ohm or 0.0))
    assert shown[-1] == pytest.approx(1e6 - 44 * 1e4)


def test_a_monitor_without_settling_time_shows_each_measurement() -> None:
    monitor = InsulationPlant(period_s=0.01, settle_s=0.0)
    _monitor(0.1, 1e6, monitor)
    assert _monitor(0.02, 1e4, monitor) == 1e4
