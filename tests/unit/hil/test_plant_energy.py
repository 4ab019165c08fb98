"""The plant's energy and heat: nothing is made, nothing is lost, and what is hot can do less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant.battery import Battery
from hil.plant.bms import shares_of
from hil.plant.conversion import DERATING_ENDS_DEGC, RUNNING_W, STANDBY_W, Conversion, efficiency, loss_of
from hil.plant.evse import EvsePlant
from hil.plant.faults import FAULTS, inject
from hil.plant.grid import Grid, GridConnection
from hil.plant.heat import AMBIENT_DEGC, ThermalMass
from hil.plant.module import GRID_RETURN_S, ModulePlant
from hil.plant.pilot import Generator
from hil.plant.station import STEP_S, Plant

MODULE_W = 30_000.0


def charging(current_A: float = 30.0, *, sink_A: float = 0.0, voltage_V: float = 420.0) -> EvsePlant:
    """An EVSE whose car is connected, with a module that sources or sinks."""
    evse = EvsePlant(1, {"m": ModulePlant(source_power_W=MODULE_W, sink_power_W=MODULE_W)})
    evse.plug()
    evse.car.contactors_wanted = True
    module = evse.modules["m"]
    module.set_remote(True)
    module.voltage_set_V, module.source_current_A, module.sink_current_A = voltage_V, current_A, sink_A
    module.set_output(True)
    return evse


def run(evse: EvsePlant, for_s: float, *, request: int = 1) -> None:
    board = evse.board
    for _ in range(round(for_s / STEP_S)):
        board.write(board.sequence, int(Generator.PWM), 500, request, ~request & 0xFFFF)
        evse.step(STEP_S)


def test_charging_takes_more_from_the_grid_than_the_terminals_give() -> None:
    evse = charging()
    run(evse, 2.0)
    terminal_W = evse.circuit.module_V * evse.modules["m"].current_A
    assert terminal_W > 10_000
    assert evse.grid_W == pytest.approx(terminal_W / efficiency(terminal_W / MODULE_W), rel=1e-3)


def test_discharging_gives_less_to_the_grid_than_the_battery_loses() -> None:
    evse = charging(0.0, sink_A=30.0, voltage_V=300.0)
    run(evse, 2.0)
    terminal_W = evse.circuit.module_V * evse.modules["m"].current_A
    assert terminal_W < -10_000
    assert 0 > evse.grid_W > terminal_W


@pytest.mark.parametrize(
    "fault", [None, "over_current", "leak", "contactor_bounce", "discharge_open", "module_follows"]
)
def test_the_balance_of_each_step_holds_under_faults_too(fault: str | None) -> None:
    evse = charging()
    run(evse, 0.5)
    if fault is not None:
        inject(evse, fault, True)
    run(evse, 0.5)
    run(evse, 0.5, request=4)  # contactor open, discharge relay closed
    assert evse.energy.violations == 0
    assert evse.energy.worst_W < 0.5


def test_a_model_that_makes_energy_is_noticed() -> None:
    evse = charging()
    run(evse, 0.5)
    whole = type(evse.circuit).step

    def lying(circuit: object, module_A: float, *rest: float) -> None:
        whole(evse.circuit, module_A * 1.01, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(evse.circuit), "step", lying)
        run(evse, 0.1)
    assert evse.energy.violations > 0


@given(st.floats(-MODULE_W, MODULE_W))
def test_conversion_never_makes_power(terminal_W: float) -> None:
    loss_W = loss_of(terminal_W, MODULE_W)
    assert loss_W >= RUNNING_W
    assert terminal_W + loss_W > terminal_W
    assert 0.5 <= efficiency(terminal_W / MODULE_W) < 1.0


def test_a_module_that_is_off_takes_its_standby() -> None:
    conversion = Conversion(MODULE_W)
    conversion.step(0.0, STEP_S, on=False)
    assert conversion.grid_W == STANDBY_W
    assert conversion.grid_var == 0.0


def test_reactive_power_follows_the_power_factor() -> None:
    conversion = Conversion(MODULE_W, power_factor=0.8)
    conversion.step(10_000.0, STEP_S, on=True)
    apparent_VA = (conversion.grid_W**2 + conversion.grid_var**2) ** 0.5
    assert conversion.grid_W / apparent_VA == pytest.approx(0.8)


def test_a_hot_module_gives_less_and_at_the_end_nothing() -> None:
    evse = charging(40.0)
    run(evse, 1.0)
    full_W = evse.circuit.module_V * evse.modules["m"].current_A
    sink = evse.modules["m"].conversion.sink
    sink.temperature_degC = 90.0
    run(evse, 0.1)
    assert 0 < evse.circuit.module_V * evse.modules["m"].current_A < 0.6 * full_W
    sink.temperature_degC = DERATING_ENDS_DEGC + 10.0
    run(evse, 0.02)
    assert evse.modules["m"].current_A == pytest.approx(0.0, abs=0.1)


@given(st.floats(0, 2000), st.integers(1, 500))
def test_heat_does_not_depend_on_the_step(loss_W: float, steps: int) -> None:
    coarse, fine = ThermalMass(8000.0, 0.02), ThermalMass(8000.0, 0.02)
    coarse.step(loss_W, 100.0)
    for _ in range(steps):
        fine.step(loss_W, 100.0 / steps)
    assert fine.temperature_degC == pytest.approx(coarse.temperature_degC, rel=1e-6)
    assert AMBIENT_DEGC <= fine.temperature_degC <= AMBIENT_DEGC + loss_W * 0.02 + 1e-6


def test_a_lost_grid_takes_the_output_and_the_answers_away() -> None:
    evse = charging()
    run(evse, 1.0)
    inject(evse, "grid_outage", True)
    run(evse, 0.01)
    module = evse.modules["m"]
    assert not module.output_on
    assert not module.answers
    run(evse, 2 * GRID_RETURN_S)
    assert not module.answers
    inject(evse, "grid_outage", False)
    run(evse, GRID_RETURN_S + 0.1)
    assert module.answers
    assert not module.output_on


def test_the_meter_at_the_connection_counts_what_all_take() -> None:
    plant = Plant(evses={1: charging(), 2: charging(10.0)})
    plant.join()
    assert plant.evses[1].grid is plant.grid
    plant.connection.others_W = (1000.0, 2000.0, 3000.0)
    at_s = 0.0
    plant.advance_to(at_s)
    for _ in range(500):
        at_s += STEP_S
        for evse in plant.evses.values():
            evse.board.write(evse.board.sequence, int(Generator.PWM), 500, 1, 0xFFFE)
        plant.advance_to(at_s)
    connection = plant.connection
    own_W = sum(evse.grid_W for evse in plant.evses.values())
    assert own_W > 10_000
    assert sum(connection.powers_W) == pytest.approx(own_W + 6000.0)
    assert connection.powers_W[2] - connection.powers_W[0] == pytest.approx(2000.0)
    assert connection.import_Wh == pytest.approx(connection.meter.import_Wh, rel=1e-6)
    assert connection.import_Wh > 0


def test_no_current_flows_in_a_phase_without_voltage() -> None:
    grid = Grid(lost_phase=2)
    connection = GridConnection(grid, lambda: (1000.0, 1000.0, 1000.0))
    assert connection.currents_A[1] == 0.0
    assert connection.currents_A[0] == pytest.approx(1000.0 / 230.0)
    assert not grid.live


@given(st.floats(0, 100), st.floats(-30, 80))
def test_a_battery_takes_and_gives_a_share_between_nothing_and_all(soc_percent: float, temperature_degC: float) -> None:
    battery = Battery(soc_percent=soc_percent)
    battery.heat.temperature_degC = temperature_degC
    shares = shares_of(battery)
    assert 0.0 <= shares.charge <= 1.0
    assert 0.0 <= shares.discharge <= 1.0


def test_the_limits_of_a_battery_move() -> None:
    assert shares_of(Battery(soc_percent=50.0)) == shares_of(Battery(soc_percent=40.0))
    assert shares_of(Battery(soc_percent=90.0)).charge < 0.5
    assert shares_of(Battery(soc_percent=100.0)).charge == 0.0
    assert shares_of(Battery(soc_percent=0.0)).discharge == 0.0
    cold = Battery(soc_percent=50.0)
    cold.heat.temperature_degC = -10.0
    assert shares_of(cold).charge < 0.3


def test_every_fault_of_the_grid_can_be_taken_back() -> None:
    evse = charging()
    before = (evse.grid.voltage_V, evse.grid.frequency_Hz, evse.grid.lost_phase)
    for name in ("grid_voltage", "grid_frequency", "phase_lost", "grid_outage"):
        assert name in FAULTS
        inject(evse, name, True)
        assert (evse.grid.voltage_V, evse.grid.frequency_Hz, evse.grid.lost_phase) != before
        inject(evse, name, False)
        assert (evse.grid.voltage_V, evse.grid.frequency_Hz, evse.grid.lost_phase) == before
