"""The plant's physics: energy is conserved, the module behaves, the car plays its part."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant import circuit
from hil.plant.battery import Battery, shape
from hil.plant.evse import EvsePlant
from hil.plant.faults import FAULTS, inject
from hil.plant.module import ModulePlant
from hil.plant.pilot import CAR_OHM, Generator, PilotState, detect, levels_V
from hil.plant.station import CATCH_UP_MAX_S, STEP_S, Plant


class Rig:
    """A plugged EVSE with one module in remote, output contactor asked for, watchdog kept quiet."""

    def __init__(self, **battery: float) -> None:
        self.evse = EvsePlant(1, {"m": ModulePlant(source_power_W=30_000, sink_power_W=30_000)})
        self.module = self.evse.modules["m"]
        self.evse.plug()
        for name, value in battery.items():
            setattr(self.evse.car.battery, name, value)
        self.module.set_remote(True)
        self.request, self.generator = 1, Generator.PWM

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        board = self.evse.board
        for _ in range(round(seconds / STEP_S)):
            board.write(board.sequence, int(self.generator), 500, self.request, ~self.request & 0xFFFF)
            self.evse.step(STEP_S)
            each()

    def regulate(self, voltage_V: float, source_A: float, sink_A: float = 0.0) -> None:
        self.module.voltage_set_V, self.module.source_current_A, self.module.sink_current_A = (
            voltage_V,
            source_A,
            sink_A,
        )
        self.module.set_output(True)

    def connect(self, voltage_V: float = 400.0) -> None:
        self.evse.car.battery.set_open_circuit_V(voltage_V)
        self.run(0.1)
        self.regulate(voltage_V, 2.0)
        self.run(0.5)
        self.evse.car.contactors_wanted = True
        self.run(0.1)


@given(
    orders=st.lists(st.tuples(st.floats(300, 450), st.floats(0, 40), st.floats(0, 40)), min_size=1, max_size=6),
    resistance_ohm=st.floats(0.02, 0.5),
)
def test_energy_balance(orders: list[tuple[float, float, float]], resistance_ohm: float) -> None:
    rig = Rig(capacity_Wh=20_000.0, resistance_ohm=resistance_ohm)
    rig.connect()
    evse, battery = rig.evse, rig.evse.car.battery
    given_J = lost_J = 0.0
    inlet_Wh = evse.import_Wh - evse.export_Wh
    stored_J = _stored_J(evse)
    before_soc = battery.soc_percent

    def count() -> None:
        nonlocal given_J, lost_J
        c = evse.circuit
        given_J += rig.module.current_A * c.module_V * STEP_S
        losses_W = c.battery_A**2 * (resistance_ohm + circuit.CAR_CONTACTOR_OHM) + c.output_A**2 * evse.link_ohm
        losses_W += c.module_V**2 / circuit.BLEED_OHM + c.inlet_V**2 / circuit.CABLE_LEAK_OHM
        lost_J += losses_W * STEP_S

    for voltage_V, source_A, sink_A in orders:
        rig.regulate(voltage_V, source_A, sink_A)
        rig.run(0.5, count)
    into_battery_J = (battery.soc_percent - before_soc) / 100 * battery.capacity_Wh * 3600
    through_inlet_J = (evse.import_Wh - evse.export_Wh - inlet_Wh) * 3600
    assert given_J - lost_J - into_battery_J - (_stored_J(evse) - stored_J) == pytest.approx(0.0, abs=5.0)
    assert evse.meter.import_Wh - evse.meter.export_Wh == pytest.approx(evse.import_Wh - evse.export_Wh, abs=0.02)
    assert through_inlet_J == pytest.approx(into_battery_J, abs=abs(into_battery_J) * 0.2 + 5 + lost_J)


def _stored_J(evse: EvsePlant) -> float:
    return 0.5 * circuit.MODULE_F * evse.circuit.module_V**2 + 0.5 * circuit.INLET_F * evse.circuit.inlet_V**2


def test_charge_and_discharge_count_in_their_own_registers() -> None:
    rig = Rig()
    rig.connect()
    rig.regulate(450.0, 25.0)
    rig.run(3.6)
    assert rig.evse.import_Wh == pytest.approx(402 * 25 * 3.6 / 3600, rel=0.01)
    before_Wh = rig.evse.import_Wh
    rig.regulate(300.0, 0.0, 25.0)
    rig.run(3.6)
    assert rig.evse.export_Wh == pytest.approx(398 * 25 * 3.6 / 3600, rel=0.01)
    assert rig.evse.import_Wh == pytest.approx(before_Wh, abs=0.05)
    assert rig.evse.meter.export_Wh == pytest.approx(rig.evse.export_Wh, abs=0.01)


def test_the_module_holds_its_voltage_and_its_limits() -> None:
    rig = Rig()
    rig.run(0.1)
    rig.regulate(500.0, 2.0)
    rig.run(0.5)
    assert rig.evse.circuit.module_V == pytest.approx(500.0, abs=0.1)
    assert rig.evse.highest_V < 505.0
    rig.module.output_on = False
    rig.request = 1 | 4
    rig.run(1.5)
    assert rig.evse.circuit.inlet_V < 60.0


def test_power_limit_binds() -> None:
    rig = Rig()
    rig.module.source_power_W = 4000.0
    rig.connect()
    rig.regulate(450.0, 40.0)
    rig.run(1.0)
    assert rig.evse.circuit.module_V * rig.module.current_A == pytest.approx(4000.0, rel=0.01)
    assert rig.module.regulation == 2


def test_no_current_without_both_poles_or_without_the_car() -> None:
    rig = Rig()
    rig.evse.board.negative.stuck_open = True
    rig.run(0.1)
    rig.evse.car.contactors_wanted = True
    rig.regulate(450.0, 25.0)
    rig.run(0.5)
    assert rig.evse.circuit.output_A == pytest.approx(0.0, abs=1e-9)
    rig.evse.board.negative.stuck_open = False
    rig.run(0.5)
    assert rig.evse.circuit.battery_A == pytest.approx(25.0, abs=0.1)
    rig.evse.unplug()
    rig.run(0.1)
    assert rig.evse.circuit.battery_A == 0.0


def test_opening_under_load_is_remembered() -> None:
    rig = Rig()
    rig.connect()
    rig.regulate(450.0, 25.0)
    rig.run(0.5)
    rig.request = 0
    rig.run(0.1)
    assert rig.evse.opened_under_A == pytest.approx(25.0, abs=0.5)
    assert rig.evse.circuit.battery_A == pytest.approx(0.0, abs=0.01)


def test_the_car_that_plays_itself() -> None:
    rig = Rig()
    rig.evse.auto.enabled = True
    rig.generator = Generator.X1
    rig.request = 0
    rig.run(0.5)
    assert rig.evse.board.pilot.name == "B"
    rig.generator = Generator.PWM
    rig.run(0.25)
    assert rig.evse.car.pilot == "B"
    rig.run(0.2)
    assert rig.evse.board.pilot.name == "C"
    rig.request = 1
    rig.run(0.1)
    rig.regulate(500.0, 2.0)  # cable check
    rig.run(2.0)
    assert rig.evse.auto.stage.name == "READY"
    rig.regulate(0.0, 0.0, 2.0)
    rig.run(0.5)
    rig.regulate(380.0, 2.0)  # pre-charge
    rig.run(1.0)
    assert rig.evse.auto.stage.name == "CONNECTED"
    assert rig.evse.car.battery.open_circuit_V == pytest.approx(380.0, abs=1.0)
    rig.regulate(450.0, 20.0)
    rig.run(1.0)
    assert rig.evse.circuit.battery_A == pytest.approx(20.0, abs=0.1)
    rig.regulate(450.0, 0.0)
    rig.module.set_output(False)
    rig.run(0.2)
    assert rig.evse.auto.stage.name == "DONE"
    assert rig.evse.board.pilot.name == "B"
    assert not rig.evse.car.contactors.closed
    rig.run(4.0)  # the PWM stays: another session of the same plug-in
    assert rig.evse.auto.stage.name == "READY"
    assert rig.evse.board.pilot.name == "C"


def test_the_car_that_expects_a_voltage_waits_for_it() -> None:
    rig = Rig()
    rig.evse.auto.enabled, rig.evse.auto.rises, rig.evse.auto.expected_V = True, 1, 380.0
    rig.run(0.5)
    for voltage_V, stage in ((500.0, "READY"), (420.0, "READY"), (375.0, "CONNECTED")):
        rig.regulate(voltage_V, 2.0, 2.0)
        rig.run(0.5)
        assert rig.evse.auto.stage.name == stage


@given(st.floats(0, 100), st.floats(0, 100))
def test_open_circuit_voltage_rises_with_charge(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert shape(low) <= shape(high)


@given(st.floats(50, 1500), st.floats(0, 100))
def test_open_circuit_voltage_can_be_chosen(voltage_V: float, soc_percent: float) -> None:
    battery = Battery(soc_percent=soc_percent)
    battery.set_open_circuit_V(voltage_V)
    assert battery.open_circuit_V == pytest.approx(voltage_V)


@pytest.mark.parametrize(
    ("car", "state"), [("A", PilotState.A), ("B", PilotState.B), ("C", PilotState.C), ("D", PilotState.D)]
)
def test_pilot_levels(car: str, state: PilotState) -> None:
    high_V, low_V = levels_V(Generator.PWM, car, True)
    assert detect(Generator.PWM, high_V) is state
    assert low_V == pytest.approx(-12.0)
    assert car in CAR_OHM
    assert detect(Generator.F, -12.0) is PilotState.F
    assert detect(Generator.E, 0.0) is PilotState.E


def test_without_its_diode_the_low_level_rises() -> None:
    _, low_V = levels_V(Generator.PWM, "B", False)
    assert low_V > -11.0


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_goes_on_and_off(name: str) -> None:
    rig = Rig()
    rig.connect()
    inject(rig.evse, name, True)
    assert name in rig.evse.faults
    rig.run(0.3)
    inject(rig.evse, name, False)
    assert rig.evse.faults == {}
    rig.run(0.3)


def test_load_dump_drives_the_output_above_its_set_point() -> None:
    rig = Rig()
    rig.connect()
    rig.regulate(450.0, 25.0)
    rig.run(0.5)
    inject(rig.evse, "over_voltage", True, 120.0)
    rig.run(0.2)
    assert rig.evse.circuit.inlet_V == pytest.approx(570.0, abs=2.0)


def test_over_current_ignores_the_limit() -> None:
    rig = Rig()
    rig.connect()
    rig.regulate(450.0, 10.0)
    inject(rig.evse, "over_current", True, 55.0)
    rig.run(0.2)
    assert rig.evse.circuit.battery_A == pytest.approx(55.0, abs=0.5)


def test_meter_errors_do_not_touch_the_plants_own_count() -> None:
    rig = Rig()
    inject(rig.evse, "meter_gain", True, 1.10)
    rig.connect()
    rig.regulate(450.0, 25.0)
    rig.run(2.0)
    assert rig.evse.meter.import_Wh == pytest.approx(1.10 * rig.evse.import_Wh, rel=0.01)


def test_time_advances_in_steps_and_does_not_jump() -> None:
    plant = Plant({1: EvsePlant(1)})
    plant.advance_to(100.0)
    plant.advance_to(100.101)
    assert plant.steps == 50
    plant.advance_to(200.0)
    assert plant.steps == pytest.approx(50 + CATCH_UP_MAX_S / STEP_S, abs=2)
    assert plant.skipped_s == pytest.approx(99.9 - CATCH_UP_MAX_S, abs=0.01)
    assert plant.evses[1].now_s == pytest.approx(200.0, abs=0.01)
