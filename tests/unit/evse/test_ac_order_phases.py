"""The order to an AC outlet names the phases that the car uses, and the current of each."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.evse.stage_order import energise
from chargepoint.model.car import CarDemand, CarEnergy, ControlMode, EnergyService
from chargepoint.model.demand import AcOrder, Phase, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply, StageCapabilities
from chargepoint.model.limits import Interval, PowerLimits

SETPOINT = Setpoint(EvseId(1), 3_680.0, Interval(0.0, 11_040.0), Source.CAR, None, "", 1e9)


def outlet(phases: int) -> StageCapabilities:
    supply = AcSupply(230.0, 50.0, phases, 16.0)
    most_A, most_W = phases * 16.0, supply.power_max_W
    return StageCapabilities(207.0, 253.0, most_A, most_A, most_W, most_W, ac=supply)


def order(
    *,
    car_phases: int,
    outlet_phases: int,
    power_W: float,
    by_phase_W: tuple[float, float, float] | None = None,
    present_W: float | None = None,
) -> Any:
    limits = PowerLimits(207.0, 253.0, 48.0, 0.0, power_W, 0.0)
    car = CarDemand(
        EvseId(1),
        0.0,
        Phase.TRANSFER,
        EnergyService.AC,
        ControlMode.SCHEDULED,
        limits,
        CarEnergy(),
        present_power_W=present_W,
        phases=car_phases,
        phase_powers_max_W=by_phase_W,
    )
    return energise(car, outlet(outlet_phases), SETPOINT, 50.0, 0.5, PilotCommand.PWM, flowing=True).order


@pytest.mark.parametrize(
    ("car_phases", "outlet_phases", "power_W", "wanted"),
    [
        (1, 3, 3_680.0, AcOrder.even(1, 16.0)),  # a car of one phase may draw all of it on that phase
        (3, 3, 11_040.0, AcOrder.even(3, 16.0)),
        (3, 1, 3_680.0, AcOrder.even(1, 16.0)),
        (1, 1, 2_300.0, AcOrder.even(1, 10.0)),
        (1, 3, 11_040.0, AcOrder.even(1, 16.0)),
    ],
)
def test_phases_and_current(car_phases: int, outlet_phases: int, power_W: float, wanted: AcOrder) -> None:
    assert order(car_phases=car_phases, outlet_phases=outlet_phases, power_W=power_W) == wanted


@pytest.mark.parametrize(
    ("power_W", "by_phase_W", "wanted_A"),
    [
        (3_680.0, (3_680.0, 0.0, 0.0), (16.0, 0.0, 0.0)),
        (6_900.0, (3_680.0, 2_300.0, 920.0), (16.0, 10.0, 4.0)),
        (11_040.0, (7_360.0, 3_680.0, 0.0), (16.0, 16.0, 0.0)),  # never above the outlet's
        (920.0, (3_680.0, 0.0, 0.0), (4.0, 0.0, 0.0)),  # the loop's sum bounds each phase
    ],
)
def test_a_car_that_names_each_phase_gets_what_each_allows(
    power_W: float, by_phase_W: tuple[float, float, float], wanted_A: tuple[float, float, float]
) -> None:
    found = order(car_phases=3, outlet_phases=3, power_W=power_W, by_phase_W=by_phase_W)
    assert found.phase_limits_A == pytest.approx(wanted_A)


def test_on_one_phase_the_limits_of_the_others_say_nothing() -> None:
    found = order(car_phases=1, outlet_phases=3, power_W=3_680.0, by_phase_W=(3_680.0, 0.0, 0.0))
    assert found == AcOrder((16.0,))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_an_order_has_one_or_three_phases(count: int) -> None:
    with pytest.raises(ValueError, match="1 or 3"):
        AcOrder((16.0,) * count)


@pytest.mark.parametrize(
    ("present_W", "witness_W"), [(None, None), (0.0, 0.0), (7_360.0, 7_500.0), (7_290.0, 7_500.0), (-9_100.0, -9_000.0)]
)
def test_what_the_car_reports_goes_along_in_whole_steps(present_W: float | None, witness_W: float | None) -> None:
    found = order(car_phases=3, outlet_phases=3, power_W=11_040.0, present_W=present_W)
    assert found.car_power_W == witness_W
