"""Discharging a DC car of ISO 15118-2: outside the standard, off by default."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.energy.sources import of_car, of_driver
from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.iso2.physical import amperes
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import ControlMode, EnergyService, ServiceSelected
from chargepoint.model.demand import PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from tests.unit.iso15118.iso2.car import DC_CAN, Iso2Car


def charging(**settings: Any) -> Iso2Car:
    return Iso2Car(**settings).reach(Iso2State.CHARGE_LOOP)


def out(car: Iso2Car, power_W: float = -8_000.0) -> Any:
    """One loop while the station wants this power, and it flows."""
    car.see(setpoint_W=power_W, limits_W=Interval(power_W, power_W), current_A=power_W / 400.0, voltage_V=400.0)
    return car.ask(car.current_demand(20.0))


def test_off_is_the_default() -> None:
    car = charging()
    out(car)
    demand = car.demands()[-1]
    assert demand.service is EnergyService.DC
    assert demand.control_mode is ControlMode.SCHEDULED
    assert demand.limits.discharge_current_max_A == 0
    (said, *_) = of_car(demand, 400.0)
    assert said.limits_W is not None
    assert said.limits_W.low == 0


def test_a_tolerating_car_gives_at_most_what_it_asks_for() -> None:
    car = charging(iso2_discharge=True)
    out(car)
    demand = car.demands()[-1]
    assert (demand.service, demand.control_mode) == (EnergyService.DC_BPT, ControlMode.DYNAMIC)
    assert demand.limits.discharge_current_max_A == demand.limits.charge_current_max_A == 20.0
    assert demand.limits.discharge_power_max_W == demand.limits.charge_power_max_W == 50_000.0
    assert car.learned(ServiceSelected)[-1].service is EnergyService.DC_BPT
    setpoint = Setpoint(EvseId(1), -20_000.0, Interval(-20_000, 22_000), Source.CSMS, None, "-20 kW", 1e9)
    order = energise(demand, DC_CAN, setpoint, None, 0.5, PilotCommand.PWM, flowing=True)
    assert order.dc.limits.discharge_current_max_A == 20.0
    assert order.dc.limits.charge_current_max_A == 20.0


@pytest.mark.parametrize(("target_A", "limit_A", "both_A"), [(0.0, 100.0, 0.0), (30.0, 10.0, 10.0), (-5.0, 100.0, 0.0)])
def test_target_and_limit_of_each_message_bound_both_directions(target_A: float, limit_A: float, both_A: float) -> None:
    car = charging(iso2_discharge=True)
    car.ask(car.current_demand(target_A, EVMaximumCurrentLimit=amperes(limit_A)))
    limits = car.demands()[-1].limits
    assert (limits.charge_current_max_A, limits.discharge_current_max_A) == (both_A, both_A)


def test_the_car_hears_a_station_that_charges() -> None:
    loop = out(charging(iso2_discharge=True))
    assert number(loop.EVSEPresentCurrent) == 20.0
    assert number(loop.EVSEMaximumPowerLimit) == DC_CAN.charge_power_max_W
    assert number(loop.EVSEMaximumCurrentLimit) == DC_CAN.charge_current_max_A
    assert (loop.EVSEPowerLimitAchieved, loop.EVSECurrentLimitAchieved) == (False, False)
    straight = out(charging())
    assert number(straight.EVSEPresentCurrent) == -20.0
    assert number(straight.EVSEMaximumPowerLimit) == 0.0


def test_the_reserve_of_the_state_of_charge_is_kept() -> None:
    car = charging(iso2_discharge=True)
    car.ask(car.current_demand(20.0, DC_EVStatus=car.ev_status(20)))
    soc = car.demands()[-1].energy.soc_percent
    kept = of_driver(EvseId(1), soc, 20.0, 1e9)
    assert kept is not None
    assert kept.limits_W is not None
    assert kept.limits_W.low == 0.0


def test_an_outlet_that_does_not_discharge_does_not_do_so_here() -> None:
    car = charging(iso2_discharge=True, services=(EnergyService.DC,))
    out(car)
    assert car.demands()[-1].service is EnergyService.DC


def test_an_ac_car_is_never_discharged() -> None:
    car = Iso2Car(ac=True, iso2_discharge=True, services=(EnergyService.AC_BPT, EnergyService.AC))
    car.reach(Iso2State.CHARGE_LOOP)
    car.see(setpoint_W=-5_000.0)
    assert number(car.loop().EVSEMaxCurrent) == 0.0
    assert car.demands()[-1].service is EnergyService.AC
