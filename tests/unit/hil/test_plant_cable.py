"""The cable's own heat: hand-computed temperatures, and where the heat goes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant.cable import COPPER_PER_K, ChargingCable
from hil.plant.faults import inject
from tests.unit.hil.test_plant_physics import Rig


def warmed(cable: ChargingCable, current_A: float, for_s: float, dt_s: float = 0.02) -> ChargingCable:
    for _ in range(round(for_s / dt_s)):
        cable.step(current_A, dt_s)
    return cable


def test_without_current_it_stays_as_warm_as_its_surroundings() -> None:
    cable = warmed(ChargingCable(), 0.0, 60.0)
    assert cable.copper.temperature_degC == pytest.approx(25.0)
    assert cable.sensor_degC == pytest.approx(25.0)
    assert cable.resistance_ohm == pytest.approx(0.0049 * (1 + 0.00393 * 5) + 0.0006)


def test_the_copper_settles_where_it_gives_away_what_it_loses() -> None:
    """200 A: all heat, of copper and pins, leaves by 0.25 K/W; copper at T has 4.9 mΩ times 1 + alpha (T - 20)."""
    cable = warmed(ChargingCable(), 200.0, 3_000.0, 0.5)
    squared = 200.0**2
    rise_per_W = 0.25
    constant = 25.0 + rise_per_W * squared * (0.0049 * (1 - COPPER_PER_K * 20.0) + 0.0006)
    settled_degC = constant / (1 - rise_per_W * squared * 0.0049 * COPPER_PER_K)
    assert settled_degC == pytest.approx(94.2, abs=0.5)
    assert cable.copper.temperature_degC == pytest.approx(settled_degC, abs=0.1)


def test_worn_pins_are_hotter_than_the_cable_by_their_own_heat() -> None:
    """30 A through 10 mΩ: 9 W, and 20 K/W to the cable: 180 K."""
    cable = warmed(ChargingCable(pins_ohm=0.010), 30.0, 2_000.0, 0.5)
    assert cable.pins.temperature_degC - cable.copper.temperature_degC == pytest.approx(180.0, abs=0.1)


def test_the_pins_have_warmed_by_two_thirds_after_their_time_constant() -> None:
    """6 J/K and 20 K/W: 120 s; the cable itself hardly warms at 10 A."""
    cable = warmed(ChargingCable(pins_ohm=0.010), 10.0, 120.0)
    assert cable.pins.temperature_degC == pytest.approx(25.0 + 20.0 * (1 - math.exp(-1.0)), abs=0.3)


def test_the_sensor_is_late_by_its_lag_while_the_pins_warm_evenly() -> None:
    """A first-order lag follows a ramp by its time constant: 5 s."""
    cable = ChargingCable(pins_ohm=0.050)
    warmed(cable, 30.0, 30.0)
    before_degC = cable.pins.temperature_degC
    warmed(cable, 30.0, 1.0)
    slope_K_per_s = cable.pins.temperature_degC - before_degC
    late_s = (cable.pins.temperature_degC - cable.sensor_degC) / slope_K_per_s
    assert late_s == pytest.approx(5.0, rel=0.1)


@given(currents_A=st.lists(st.floats(-400, 400), min_size=1, max_size=20), pins_ohm=st.floats(0.0001, 0.05))
def test_heat_is_in_pins_and_copper_or_has_left(currents_A: list[float], pins_ohm: float) -> None:
    cable = ChargingCable(pins_ohm=pins_ohm)
    cable.copper.resistance_K_per_W = 1e6  # almost nothing leaves
    lost_J = 0.0
    for current_A in currents_A:
        cable.step(current_A, 0.02)
        lost_J += cable.loss_W * 0.02
    kept_J = cable.pins.capacity_J_per_K * (cable.pins.temperature_degC - 25.0)
    kept_J += cable.copper.capacity_J_per_K * (cable.copper.temperature_degC - 25.0)
    assert kept_J == pytest.approx(lost_J, rel=1e-3, abs=1e-3)


def test_the_board_shows_what_the_sensor_shows() -> None:
    rig = Rig()
    rig.connect()
    inject(rig.evse, "pins_worn", True, 50.0)
    rig.regulate(450.0, 30.0, 0.0)
    rig.run(10.0)
    assert rig.evse.circuit.output_A == pytest.approx(30.0, abs=0.5)
    assert rig.evse.board.temperature_degC == pytest.approx(rig.evse.cable.sensor_degC, abs=0.2)
    assert rig.evse.cable.pins.temperature_degC > 80.0 > rig.evse.board.temperature_degC > 40.0
    assert rig.evse.energy.violations == 0
    inject(rig.evse, "pins_worn", False)
    assert rig.evse.cable.pins_ohm == 0.0006
