"""A car that agreed on one phase, at an outlet of three: all its power flows in that phase."""

from __future__ import annotations

import pytest

from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.iso2.physical import amperes
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import EnergyTransferMode
from chargepoint.model.car import CarDemand
from chargepoint.model.demand import AcOrder, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import Interval
from tests.unit.iso15118.iso2.car import AC_CAN, Iso2Car


def order_of(car: CarDemand, can: StageCapabilities) -> AcOrder:
    setpoint = Setpoint(EvseId(1), 3680.0, Interval(0.0, 3680.0), Source.CSMS, None, "", 1e9)
    demand = energise(car, can, setpoint, 50.0, 1.0, PilotCommand.PWM, flowing=True)
    assert isinstance(demand.order, AcOrder)
    return demand.order


@pytest.mark.parametrize(
    ("mode", "phases", "current_A"),
    [
        (EnergyTransferMode.AC_single_phase_core, 1, 16.0),
        (EnergyTransferMode.AC_three_phase_core, 3, 16.0),
    ],
)
def test_the_stage_gets_the_phases_and_the_current_that_the_car_agreed_on(
    mode: EnergyTransferMode, phases: int, current_A: float
) -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    offered = car.ask(car.charge_parameters(mode=mode)).EVSEChargeParameter.EVSEMaxCurrent
    assert offered == amperes(16.0)
    order = order_of(car.demands()[-1], AC_CAN)
    assert order.phases == phases
    assert order.phase_current_limit_A == pytest.approx(current_A)
