"""The voltage that pre-charge matched ends with pre-charge: it must not bound the output while power is transferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.rational import rational
from chargepoint.model.car import ControlMode
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage


def test_a_dynamic_car_names_no_target_in_its_transfer(new_car: Callable[..., Any]) -> None:
    car = new_car(ControlMode.DYNAMIC).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    targets = [(demand.phase, demand.target_voltage_V) for demand in car.demands()]
    assert (Phase.PRE_CHARGE, 400.0) in targets
    assert targets[-1] == (Phase.TRANSFER, None)


def test_the_target_holds_until_the_stage_transfers(new_car: Callable[..., Any]) -> None:
    """A car may go on while the stage is still matching: without a target it would have nothing to match."""
    car = new_car(ControlMode.DYNAMIC).reach(State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    assert (car.demands()[-1].phase, car.demands()[-1].target_voltage_V) == (Phase.TRANSFER, 400.0)
    assert len(car.see(stage=Stage.TRANSFER)) == 1
    assert car.demands()[-1].target_voltage_V is None


@pytest.mark.parametrize(("volts", "target_V"), [(0, None), (410, 410.0)])
def test_a_scheduled_car_has_the_target_of_its_charge_loop_or_none(
    new_car: Callable[..., Any], volts: float, target_V: float | None
) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop(EVTargetCurrent=rational(12), EVTargetVoltage=rational(volts)))
    assert car.demands()[-1].target_voltage_V == target_V
