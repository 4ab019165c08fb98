"""The daemon steps the pilot to F and back while a car waits, as SLAC wants it after a failed matching: no fault, no movement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargepoint.model.demand import Phase, PilotCommand
from chargepoint.model.image import Contactor, ControlPilot, Stage

if TYPE_CHECKING:
    from tests.unit.power.conftest import PlantLoop


def test_a_step_to_f_at_a_dc_outlet_trips_nothing(plant_loop: PlantLoop) -> None:
    loop = plant_loop
    loop.order(Phase.OFF, lock=False)
    loop.plant.plug()
    loop.until(lambda: loop.image is not None and loop.image.pilot is ControlPilot.B)
    loop.order(Phase.OFF, pilot=PilotCommand.F, duty_percent=0.0, lock=False)
    loop.until(lambda: loop.image is not None and loop.image.pilot is ControlPilot.F, 1.0)
    for _ in range(40):
        loop.run(0.1)
        assert loop.image is not None
        assert (loop.image.stage, loop.image.contactor) == (Stage.OFF, Contactor.OPEN)
    loop.order(Phase.OFF, lock=False)
    loop.until(lambda: loop.image is not None and loop.image.pilot is ControlPilot.B, 1.0)
    assert loop.image is not None
    assert loop.image.permitted
    assert loop.tripped() == {}


def test_a_car_charges_after_a_step_to_f(plant_loop: PlantLoop) -> None:
    loop = plant_loop
    loop.order(Phase.OFF, pilot=PilotCommand.F, duty_percent=0.0, lock=False)
    loop.plant.plug()
    loop.run(4.0)
    loop.reach(Stage.TRANSFER)
    assert loop.at(Stage.TRANSFER)
    assert loop.tripped() == {}
