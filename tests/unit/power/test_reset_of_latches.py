"""A reset lets go of nothing whose cause cannot be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCleared, FaultCode
from chargepoint.model.image import Stage
from hil.plant.faults import inject


@pytest.mark.parametrize("cause", ["e_stop", "rcd", "chain_open"])
def test_a_reset_while_the_board_is_silent_clears_no_latch(plant_loop: Any, cause: str) -> None:
    """The button is still pressed, and the board that would show it does not answer."""
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    inject(loop.plant, cause, True)
    loop.run(0.5)
    latched = loop.image.faults
    inject(loop.plant, "board_silent", True)
    loop.run(1.0)
    loop.order(Phase.OFF)
    loop.stage.reset_faults("a person")
    loop.run(2.0)
    assert latched <= loop.image.faults
    assert not [event for event in loop.events if isinstance(event, FaultCleared) and event.author]
    inject(loop.plant, cause, False)
    inject(loop.plant, "board_silent", False)
    loop.run(5.0)
    assert latched <= loop.image.faults  # the refused reset does not come back later
    loop.stage.reset_faults("a person")
    loop.run(2.0)
    assert loop.image.faults == frozenset()


def test_a_reset_waits_a_moment_for_a_board_that_comes_back(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    inject(loop.plant, "e_stop", True)
    loop.run(0.1)
    inject(loop.plant, "e_stop", False)
    loop.order(Phase.OFF)
    loop.run(4.0)
    assert loop.image.faults == {FaultCode.EMERGENCY_STOP}
    inject(loop.plant, "board_silent", True)
    loop.run(0.4)
    loop.stage.reset_faults("a person")
    loop.run(0.3)
    inject(loop.plant, "board_silent", False)
    loop.run(2.0)
    assert loop.image.faults == frozenset()
