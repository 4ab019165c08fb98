"""An island grid: frequencies by hand, and the ways into it and out of it."""

from __future__ import annotations

import pytest

from hil.plant.grid import Grid
from hil.plant.island import Island

DT_S = 0.002


def island(load_W: float = 10_000.0, inertia_s: float = 2.0) -> Island:
    return Island.begin(30_000.0, load_W, 230.0, 230.0, inertia_s)


def run(one: Island, load_W: float, for_s: float) -> Island:
    for _ in range(round(for_s / DT_S)):
        one.step(load_W, DT_S)
    return one


def test_it_begins_at_rest() -> None:
    one = run(island(), 10_000.0, 10.0)
    assert one.frequency_Hz == pytest.approx(50.0)
    assert one.voltage_V == pytest.approx(230.0)


@pytest.mark.parametrize("inertia_s", [1.0, 2.0, 8.0])
def test_the_first_fall_of_the_frequency_is_that_of_the_swing_equation(inertia_s: float) -> None:
    """6 kW more on 30 kW: 50 / (2 H 30000) * 6000 hertz a second, before the governor has moved."""
    one = island(inertia_s=inertia_s)
    run(one, 16_000.0, 0.02)
    assert 50.0 - one.frequency_Hz == pytest.approx(50.0 / (2 * inertia_s * 30_000.0) * 6_000.0 * 0.02, rel=0.05)


def test_the_frequency_settles_by_droop_and_damping() -> None:
    """Excess 6 kW of 30 kW: 0.2 = x / 0.04 + 1 * x, x = 0.2 / 26; 50 Hz times x."""
    one = run(island(), 16_000.0, 60.0)
    assert 50.0 - one.frequency_Hz == pytest.approx(50.0 * 0.2 / 26.0, rel=0.01)
    assert one.generator_W == pytest.approx(16_000.0 - 30_000.0 * 0.2 / 26.0, rel=0.01)


def test_the_voltage_settles_by_its_droop() -> None:
    """4 % from nothing to all: 6 kW of 30 kW are 0.8 %."""
    one = run(island(), 16_000.0, 60.0)
    assert one.voltage_V == pytest.approx(230.0 * 0.992, rel=1e-4)


def test_power_that_a_car_gives_lifts_the_frequency() -> None:
    one = run(island(), 5_000.0, 60.0)
    assert one.frequency_Hz == pytest.approx(50.0 + 50.0 * (5_000.0 / 30_000.0) / 26.0, rel=1e-4)


def test_more_than_the_generator_has_ends_in_the_dark() -> None:
    one = run(island(), 40_000.0, 20.0)
    assert one.dark
    assert one.voltage_V == 0.0
    assert one.frequency_Hz < 45.0


def test_more_than_all_others_take_ends_in_the_dark_too() -> None:
    """A generator takes no power back."""
    one = run(island(), -5_000.0, 20.0)
    assert one.dark
    assert one.frequency_Hz > 55.0


def test_a_grid_becomes_an_island_and_is_joined_when_the_frequencies_meet() -> None:
    grid = Grid()
    grid.begin_island(30_000.0, 10_000.0, 2.0)
    for _ in range(20_000):
        grid.step(16_000.0, DT_S)
    assert grid.frequency_Hz == pytest.approx(49.615, abs=0.01)
    grid.end_island()
    grid.step(16_000.0, DT_S)
    assert grid.island is not None
    steps = 0
    while grid.island is not None:
        grid.step(16_000.0, DT_S)
        steps += 1
    assert 0.5 < steps * DT_S < 10.0
    assert (grid.frequency_Hz, grid.voltage_V) == (50.0, 230.0)


def test_a_dark_island_is_joined_at_once() -> None:
    grid = Grid()
    grid.begin_island(30_000.0, 10_000.0, 2.0)
    for _ in range(10_000):
        grid.step(60_000.0, DT_S)
    assert not grid.live
    grid.end_island()
    grid.step(60_000.0, DT_S)
    assert (grid.island, grid.frequency_Hz, grid.live) == (None, 50.0, True)


def test_a_jump_of_the_phase_looks_like_another_frequency_for_a_while() -> None:
    """36 degrees are a tenth of a period; in a window of 0.1 s: one hertz."""
    grid = Grid()
    grid.jump_phase(36.0)
    grid.step(0.0, 0.09)
    assert (grid.frequency_Hz, grid.seen_Hz) == (50.0, pytest.approx(51.0))
    grid.step(0.0, 0.02)
    assert grid.seen_Hz == 50.0
