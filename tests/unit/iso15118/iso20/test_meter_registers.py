"""A meter's register that no message can carry is left out: the charge loop goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.model.image import MeterRegisters

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar

GOOD = MeterRegisters(5000.4, 700.6, 400.0, 10.0, 4000.0, 0.0)


@pytest.mark.parametrize("register", ["import_Wh", "export_Wh"])
@pytest.mark.parametrize("wrong_Wh", [-1.0, 2.0**64, math.inf, math.nan])
def test_a_register_without_a_place_in_the_message_is_left_out(
    new_car: Callable[..., ScriptedCar], register: str, wrong_Wh: float
) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    changes: dict[str, Any] = {register: wrong_Wh}
    car.see(meter=replace(GOOD, **changes))
    answer = car.ask(car.charge_loop(meter=True))
    assert (answer.ResponseCode.value, answer.MeterInfo) == ("OK", None)
    car.see(meter=GOOD)
    assert car.ask(car.charge_loop(meter=True)).MeterInfo.ChargedEnergyReadingWh == 5000
