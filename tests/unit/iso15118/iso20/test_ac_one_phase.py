"""A car that chose one phase at an outlet of three: the station knows it, so that the order names one phase."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso20.services import AcConnector, offer
from chargepoint.iso15118.iso20.state import State
from chargepoint.model.car import ControlMode, EnergyService
from tests.unit.iso15118.iso20.ac_car import ScriptedAcCar


@pytest.mark.parametrize(("connector", "phases"), [(AcConnector.SINGLE_PHASE, 1), (AcConnector.THREE_PHASE, 3)])
def test_the_demand_names_the_phases(connector: AcConnector, phases: int) -> None:
    car = ScriptedAcCar()
    sets = [
        choice.parameter_set_id
        for choice in offer(car.settings)
        if choice.service is EnergyService.AC_BPT
        and choice.connector == connector
        and choice.control_mode is ControlMode.DYNAMIC
    ]
    car.parameter_set = sets[0]
    car.reach(State.SCHEDULE_EXCHANGE)
    assert car.demands()[-1].phases == phases
