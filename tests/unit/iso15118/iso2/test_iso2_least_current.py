"""An AC car of ISO 15118-2 has a least current: what is below it is sent as 0 A."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso2.physical import amperes
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import EnergyTransferMode
from tests.unit.iso15118.iso2.car import Iso2Car


@pytest.mark.parametrize(
    ("least_A", "power_W", "sent_A"),
    [
        (6.0, 4140.0, 6.0),
        (6.0, 4071.0, 5.9),
        (6.0, 4000.0, 0.0),
        (6.0, 100.0, 0.0),
        (2.0, 1400.0, 2.0),
        (0.0, 690.0, 1.0),
    ],
)
def test_less_than_the_least_current_is_none(least_A: float, power_W: float, sent_A: float) -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    car.ask(car.charge_parameters(EVMinCurrent=amperes(least_A)))
    car.step(Iso2State.POWER_DELIVERY)
    car.see(setpoint_W=power_W)
    assert car.loop().EVSEMaxCurrent == amperes(sent_A)


def test_the_least_current_of_a_car_in_one_phase() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    car.ask(car.charge_parameters(mode=EnergyTransferMode.AC_single_phase_core))
    car.step(Iso2State.POWER_DELIVERY)
    car.see(setpoint_W=1380.0)
    assert car.loop().EVSEMaxCurrent == amperes(6.0)
    car.see(setpoint_W=1300.0)
    assert car.loop().EVSEMaxCurrent == amperes(0.0)
