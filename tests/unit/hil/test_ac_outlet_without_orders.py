"""An AC outlet whose daemon is gone: the pilot shows F once the contactor is open, and the next order brings everything back."""

from __future__ import annotations

from chargepoint.model.demand import Phase
from chargepoint.model.image import Contactor, ControlPilot
from tests.unit.hil.test_ac_outlet import OFF, charging, run


def test_the_pilot_shows_f_while_nobody_orders_and_the_contactor_is_open() -> None:
    made = charging()
    image = run(made, 0.4, demand=None)
    assert (image.contactor, image.pilot) == (Contactor.CLOSED, ControlPilot.C)
    image = run(made, 0.5, demand=None)
    assert (image.contactor, image.pilot, image.duty_percent) == (Contactor.OPEN, ControlPilot.F, 0.0)


def test_the_first_image_with_a_clear_pilot_has_no_fault_of_the_lost_order_any_more() -> None:
    """A daemon that came back takes up its transaction with this image."""
    made = charging()
    made.car.pilot = "B"
    run(made, 1.0, demand=None)
    made.take_demand(OFF)
    made.step(0.002)
    image = made.image()
    assert (image.phase, image.pilot, image.faults) == (Phase.OFF, ControlPilot.B, frozenset())
