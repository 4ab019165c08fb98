"""A contactor that does not open: the discharge resistor must not load the car's battery through it."""

from __future__ import annotations

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor, Stage
from hil.plant.faults import FAULTS
from tests.unit.power.conftest import PlantLoop


@pytest.mark.parametrize("power_W", [11_000.0, -11_000.0])
def test_a_welded_contactor_keeps_the_discharge_resistor_off_the_battery(plant_loop: PlantLoop, power_W: float) -> None:
    loop, plant = plant_loop, plant_loop.plant
    loop.reach(Stage.TRANSFER, power_W)
    FAULTS["contactor_welded"].apply(plant, True, None)
    loop.order(Phase.OFF)
    loaded_V: list[float] = []

    def watch() -> None:
        if plant.board.discharge.closed and plant.car.contactors.closed:
            loaded_V.append(plant.circuit.inlet_V)

    loop.watch = watch
    loop.until(lambda: loop.at(Stage.FAULTED))
    loop.run(1.0)
    assert loop.image is not None and loop.image.contactor is Contactor.WELDED
    assert FaultCode.CONTACTOR_WELDED in loop.image.faults
    assert not loaded_V, f"the resistor was {len(loaded_V)} ms at {max(loaded_V):.0f} V"
    assert plant.board.lock_state == 2  # the connector is live, and stays locked


def test_a_contactor_that_opens_late_is_discharged_then(plant_loop: PlantLoop) -> None:
    loop, plant = plant_loop, plant_loop.plant
    loop.reach(Stage.TRANSFER)
    plant.car.contactors_wanted = False
    plant.board.positive.open_s = plant.board.negative.open_s = 0.09
    loop.order(Phase.OFF)
    loop.until(lambda: plant.board.discharge.closed)
    assert not plant.board.positive.closed and not plant.board.negative.closed
    loop.until(lambda: loop.at(Stage.OFF) or loop.at(Stage.FAULTED))
    assert plant.circuit.module_V < 60.0
