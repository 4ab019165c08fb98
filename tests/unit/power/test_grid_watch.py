"""A law of the grid's frequency is obeyed in the power process: from the meter's reading to the order within one cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.model.demand import FrequencyWattLaw, Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import AcReading, MeterRegisters, Stage
from chargepoint.power.grid_frequency import MAX_AGE_S
from chargepoint.power.grid_watch import VOLTAGE_MAX_AGE_S, GridWatch
from tests.unit.power.conftest import PlantLoop

LAW = FrequencyWattLaw(0.0, ((49.8, -8000.0), (49.95, 0.0), (50.05, 0.0), (50.2, 8000.0)))


def reading(
    frequency_Hz: float | None, taken_at_s: float, voltage_V: tuple[float, ...] = (230.0,) * 3
) -> MeterRegisters:
    return MeterRegisters(0.0, 0.0, 230.0, 0.0, 0.0, taken_at_s, ac=AcReading(voltage_V, (0.0,) * 3, (), frequency_Hz))


class GridMeter:
    """Shows what a test says, with an age of its own."""

    name = "grid"
    identity_error = ""

    def __init__(self, loop: PlantLoop) -> None:
        self._loop = loop
        self.frequency_Hz: float | None = 50.0
        self.voltage_V = (230.0, 230.0, 230.0)
        self.frozen_at_s: float | None = None

    def poll(self, now_s: float) -> None: ...

    @property
    def registers(self) -> MeterRegisters | None:
        at_s = self._loop.now_s if self.frozen_at_s is None else self.frozen_at_s
        return reading(self.frequency_Hz, at_s, self.voltage_V)


@pytest.fixture
def grid(plant_loop: Any) -> GridMeter:
    meter = GridMeter(plant_loop)
    plant_loop.stage._hw = replace(plant_loop.stage._hw, grid_meter=meter)
    plant_loop.reach(Stage.TRANSFER, power_W=0.0, law=LAW)
    return meter


@pytest.mark.slow
@pytest.mark.parametrize(("frequency_Hz", "power_W"), [(49.8, -8000.0), (50.0, 0.0), (50.1, 2666.7), (50.2, 8000.0)])
def test_the_frequency_moves_the_power_without_an_order(
    plant_loop: Any, grid: GridMeter, frequency_Hz: float, power_W: float
) -> None:
    grid.frequency_Hz = frequency_Hz
    plant_loop.run(0.05)
    assert plant_loop.image.target_W == pytest.approx(power_W, abs=20.0)
    plant_loop.run(0.7)
    assert plant_loop.image.power_W == pytest.approx(power_W, abs=300.0)
    assert plant_loop.image.frequency_Hz == frequency_Hz


@pytest.mark.slow
def test_a_frequency_that_is_old_asks_for_no_power(plant_loop: Any, grid: GridMeter) -> None:
    grid.frequency_Hz = 50.2
    plant_loop.run(0.5)
    assert plant_loop.image.target_W == pytest.approx(8000.0, abs=20.0)
    grid.frozen_at_s = plant_loop.now_s
    plant_loop.run(MAX_AGE_S + 0.1)
    assert plant_loop.image.target_W == 0.0
    assert plant_loop.image.limited_by_stage == "no grid frequency"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("voltage_V", "code"),
    [((230.0, 100.0, 230.0), FaultCode.PHASE_LOSS), ((230.0, 270.0, 230.0), FaultCode.GRID_VOLTAGE)],
)
def test_a_lost_or_a_high_phase_stops_power(
    plant_loop: Any, grid: GridMeter, voltage_V: tuple[float, float, float], code: FaultCode
) -> None:
    window = replace(plant_loop.stage._ratings.grid, nominal_V=230.0, voltage_low_V=184.0, voltage_high_V=264.5)
    plant_loop.stage._view._ratings = replace(plant_loop.stage._ratings, grid=window)
    grid.voltage_V = voltage_V
    plant_loop.run(3.5)
    assert code in plant_loop.tripped()
    plant_loop.order(Phase.OFF)
    plant_loop.run(3.0)
    assert not plant_loop.plant.board.positive.closed


def test_a_dc_meter_shows_no_grid() -> None:
    watch = GridWatch()
    watch.note(None)
    watch.note(MeterRegisters(0.0, 0.0, 400.0, 0.0, 0.0, 1.0))
    assert watch.frequency_Hz(1.0) is None
    assert watch.phase_voltages_V(1.0) == ()


def test_old_voltages_are_none() -> None:
    watch = GridWatch()
    watch.note(reading(50.0, 1.0))
    assert watch.phase_voltages_V(1.0 + VOLTAGE_MAX_AGE_S) == (230.0,) * 3
    assert watch.phase_voltages_V(1.1 + VOLTAGE_MAX_AGE_S) == ()
