"""A car that names its limits for each phase: the order to the outlet has them, too."""

from __future__ import annotations

import pytest

from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.rational import rational
from chargepoint.model.demand import AcOrder, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from tests.unit.iso15118.iso20.ac_car import AC_CAPABILITIES, ScriptedAcCar

SETPOINT = Setpoint(EvseId(1), 3_680.0, Interval(0.0, 22_000.0), Source.CAR, None, "", 1e9)
FIELDS = ("EVMaximumChargePower", "EVMaximumChargePower_L2", "EVMaximumChargePower_L3")
MINIMA = dict.fromkeys(("EVMinimumChargePower", "EVMinimumChargePower_L2", "EVMinimumChargePower_L3"), rational(0))


def order_of(car: ScriptedAcCar) -> tuple[float, ...]:
    demand = energise(car.demands()[-1], AC_CAPABILITIES, SETPOINT, 50.0, 0.5, PilotCommand.PWM, flowing=True)
    assert isinstance(demand.order, AcOrder)
    return demand.order.phase_limits_A


@pytest.mark.parametrize(
    ("powers_W", "wanted_A"), [((3_680, 0, 0), (16.0, 0.0, 0.0)), ((3_680, 2_300, 4_600), (16.0, 10.0, 20.0))]
)
def test_each_phase_gets_what_its_own_limit_allows(
    powers_W: tuple[int, int, int], wanted_A: tuple[float, float, float]
) -> None:
    car = ScriptedAcCar(bidirectional=False).reach(State.CHARGE_PARAMETER_DISCOVERY)
    limits = {name: rational(power_W) for name, power_W in zip(FIELDS, powers_W, strict=True)}
    assert car.ask(car.charge_parameters(**limits, **MINIMA)).ResponseCode.value == "OK"
    assert order_of(car) == pytest.approx(wanted_A)


def test_a_car_with_one_sum_is_spread_evenly() -> None:
    car = ScriptedAcCar(bidirectional=False).reach(State.CHARGE_LOOP)
    assert order_of(car) == pytest.approx((11_000 / 230 / 3,) * 3)


def test_the_greater_direction_of_each_phase_counts() -> None:
    car = ScriptedAcCar(bidirectional=True).reach(State.CHARGE_PARAMETER_DISCOVERY)
    charge = {name: rational(2_300) for name in FIELDS}
    discharge = {
        name.replace("Charge", "Discharge"): rational(power_W)
        for name, power_W in zip(FIELDS, (-4_600, 0, 0), strict=True)
    }
    least = {name.replace("Charge", "Discharge"): rational(0) for name in MINIMA}
    assert car.ask(car.charge_parameters(**charge, **MINIMA, **discharge, **least)).ResponseCode.value == "OK"
    assert order_of(car) == pytest.approx((20.0, 10.0, 10.0))
