"""Discharging a car of DIN 70121: outside the standard, off by default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.energy.sources import of_car
from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.exi.codec import NS_DIN
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import ControlMode, EnergyService, ServiceSelected
from chargepoint.model.demand import Phase, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from hil.simulators.evcc.plan import CarPlan, OfferedProtocol
from tests.joined.visit import VirtualSite, Visit
from tests.unit.iso15118.car_on_connection import CAPABILITIES
from tests.unit.iso15118.din.conftest import physical

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar

NewCar = Callable[..., "DinCar"]


def out(car: DinCar, power_W: float = -8_000.0) -> Any:
    """One loop while the station wants this power, and it flows."""
    car.see(setpoint_W=power_W, limits_W=Interval(power_W, power_W), current_A=power_W / 400.0, voltage_V=400.0)
    return car.ask(car.current_demand(20))


def test_off_is_the_default(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    out(car)
    demand = car.demands()[-1]
    assert (demand.service, demand.control_mode) == (EnergyService.DC, ControlMode.SCHEDULED)
    assert demand.limits.discharge_current_max_A == 0
    (said, *_) = of_car(demand, 400.0)
    assert said.limits_W is not None
    assert said.limits_W.low == 0


def test_a_tolerating_car_gives_at_most_what_it_asks_for(new_car: NewCar) -> None:
    car = new_car(din_discharge=True).reach(DinState.CURRENT_DEMAND)
    out(car)
    demand = car.demands()[-1]
    assert (demand.service, demand.control_mode) == (EnergyService.DC_BPT, ControlMode.DYNAMIC)
    selected = next(e for e in car.events if isinstance(e, ServiceSelected))
    assert (selected.service, selected.control_mode) == (EnergyService.DC_BPT, ControlMode.DYNAMIC)
    setpoint = Setpoint(EvseId(1), -20_000.0, Interval(-20_000, 22_000), Source.CSMS, None, "-20 kW", 1e9)
    order = energise(demand, CAPABILITIES, setpoint, None, 0.5, PilotCommand.PWM, flowing=True)
    assert order.dc is not None
    assert order.dc.limits.discharge_current_max_A == 20.0
    car.ask(car.current_demand(30, EVMaximumCurrentLimit=physical(10)))
    limits = car.demands()[-1].limits
    assert (limits.charge_current_max_A, limits.discharge_current_max_A) == (10.0, 10.0)


def test_the_car_hears_a_station_that_charges(new_car: NewCar) -> None:
    loop = out(new_car(din_discharge=True).reach(DinState.CURRENT_DEMAND))
    assert number(loop.EVSEPresentCurrent) == 20.0
    assert number(loop.EVSEMaximumPowerLimit) == CAPABILITIES.charge_power_max_W
    straight = out(new_car().reach(DinState.CURRENT_DEMAND))
    assert number(straight.EVSEPresentCurrent) == -20.0
    assert number(straight.EVSEMaximumPowerLimit) == 0.0


def test_an_outlet_that_does_not_discharge_does_not_do_so_here(new_car: NewCar) -> None:
    car = new_car(services=(EnergyService.DC,), din_discharge=True).reach(DinState.CURRENT_DEMAND)
    out(car)
    assert car.demands()[-1].service is EnergyService.DC


# -- joined --------------------------------------------------------------------------------------------------------------


def visit(*, tolerated: bool, power_W: float) -> Visit:
    """The whole stay of one car while the central system wants this power."""
    site = VirtualSite()
    site._settings = replace(site._settings, din_discharge=tolerated)
    return site.visit(CarPlan(protocols=(OfferedProtocol(NS_DIN, 2),)), power_W=power_W, loops=20)


def ordered_W(seen: Visit) -> list[float]:
    """What the stage shall let flow in the transfer, in W, in order."""
    return [d.demand.limits_W.clamp(d.demand.power_W) for d in seen.demands if d.demand.phase is Phase.TRANSFER]


@pytest.mark.parametrize(("tolerated", "least_W"), [(True, -5_000.0), (False, 0.0)])
def test_a_negative_set_point_takes_power_out_only_with_the_switch(tolerated: bool, least_W: float) -> None:
    seen = visit(tolerated=tolerated, power_W=-5_000.0)
    assert seen.car.progress.error is None
    assert seen.car.violations == []
    assert min(ordered_W(seen)) == pytest.approx(least_W)
    assert seen.stop_reason() == "StoppedByEV"


def test_a_positive_set_point_charges_a_tolerating_car() -> None:
    assert max(ordered_W(visit(tolerated=True, power_W=4_000.0))) == pytest.approx(4_000.0)
