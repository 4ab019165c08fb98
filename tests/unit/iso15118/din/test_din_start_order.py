"""DIN 70121: a start needs a pre-charge before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import ResponseCode
from chargepoint.model.demand import Phase

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar

NewCar = Callable[..., "DinCar"]


def test_a_start_right_after_the_cable_check_is_a_sequence_error(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    answer = car.ask(car.power_delivery(start=True))
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
    assert car.secc.ended
    assert "before any PreChargeReq" in car.events[-1].detail
    assert all(demand.phase is not Phase.TRANSFER for demand in car.demands())


def test_a_stop_right_after_the_cable_check_is_no_error(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    assert car.ask(car.power_delivery(start=False)).ResponseCode is ResponseCode.OK
