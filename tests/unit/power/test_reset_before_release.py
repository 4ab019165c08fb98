"""A reset counts at the moment it is asked for: releasing the button afterwards is no reset."""

from __future__ import annotations

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCleared, FaultCode
from chargepoint.model.image import Stage
from hil.plant.faults import inject
from tests.unit.power.conftest import PlantLoop

CAUSES = {
    "e_stop": FaultCode.EMERGENCY_STOP,
    "rcd": FaultCode.RCD,
    "chain_open": FaultCode.HARDWARE_CHAIN_OPEN,
    "tilt": FaultCode.TILT,
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("before_s", [0.05, 0.3, 0.9])
def test_a_reset_before_the_release_lets_nothing_go(plant_loop: PlantLoop, cause: str, before_s: float) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    inject(loop.plant, cause, True)
    loop.order(Phase.OFF)
    loop.run(4.0)
    loop.stage.reset_faults("a person in a hurry")
    loop.run(before_s)
    inject(loop.plant, cause, False)
    loop.run(3.0)
    assert loop.image is not None and CAUSES[cause] in loop.image.faults
    assert not [event for event in loop.events if isinstance(event, FaultCleared) and event.code is CAUSES[cause]]
    loop.stage.reset_faults("a person")
    loop.run(2.0)
    assert loop.image.faults == frozenset()
