"""A car that agreed on one phase, at an outlet of three: all its power flows in that phase."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chargepoint.control.car_plans import CarPlans
from chargepoint.control.effects import Effect, ReportNeeds
from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.iso2.physical import amperes
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import EnergyTransferMode
from chargepoint.model.car import CarDemand, QuestionAsked
from chargepoint.model.car_questions import ForeseePower
from chargepoint.model.demand import AcOrder, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.instant import Instant
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
    assert order.phase_limits_A[0] == pytest.approx(current_A)


@pytest.mark.parametrize("mode", [EnergyTransferMode.AC_single_phase_core, EnergyTransferMode.AC_three_phase_core])
def test_the_central_system_gets_currents_per_phase(mode: EnergyTransferMode) -> None:
    """ACChargingParametersType of OCPP: both currents are per phase."""
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    car.ask(car.charge_parameters(mode=mode, EVMinCurrent=amperes(6.0)))
    effects: list[Effect] = []
    plans = CarPlans(EvseId(1), 3, effects)
    asked = QuestionAsked(EvseId(1), 5, ForeseePower(0, 3600.0, 24), 1055.0)
    plans.hold(asked, car.demands()[-1], Instant(1000.0, datetime(2026, 3, 1, tzinfo=UTC)))
    (report,) = [effect for effect in effects if isinstance(effect, ReportNeeds)]
    limits, phases = report.needs.limits, report.needs.phases
    assert limits.charge_current_max_A == 16.0
    assert limits.charge_power_min_W / 230.0 / phases == pytest.approx(6.0)
