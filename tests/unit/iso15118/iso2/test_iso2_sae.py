"""Discharge services of SAE J2847/2 over ISO 15118-2: outside the standard, off by default, and never more than the car itself says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.config.schema import EnergySection
from chargepoint.energy.arbiter import decide
from chargepoint.energy.own_contributions import reserve_percent
from chargepoint.energy.sources import of_car, of_driver
from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.iso2.physical import amperes, watts
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import DC_EVSEStatusCode, EVSEProcessing, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import CarDemand, CarRemark, ControlMode, EnergyService, ServiceSelected
from chargepoint.model.demand import Contribution, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from tests.unit.iso15118.iso2.car import DC_CAN, Iso2Car

V2H, V2G = 28472, 28473
BOTH: dict[str, Any] = {"sae_services": ("V2H", "V2G")}
FLOOR_PERCENT = 30


def selecting(service: int, **settings: Any) -> Iso2Car:
    """A car that took this service beside the charge service, and waits for ChargeParameterDiscovery."""
    car = Iso2Car(**{**BOTH, **settings}).reach(Iso2State.PAYMENT_SERVICE_SELECTION)
    assert car.ask(car.payment_selection(1, service)).ResponseCode is ResponseCode.OK
    car.step(Iso2State.AUTHORIZATION)
    return car


def negative_parameters(car: Iso2Car, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "EVMaximumCurrentLimit": amperes(-40),
        "EVMaximumPowerLimit": watts(-15_000),
        "BulkSOC": FLOOR_PERCENT,
    }
    return car.charge_parameters(**{**values, **changes})


def charging(service: int) -> Iso2Car:
    """In the charge loop."""
    car = selecting(service)
    if service == V2H:
        car.ask(car.charge_parameters())
        assert car.ask(negative_parameters(car)).EVSEProcessing is EVSEProcessing.Finished
    else:
        car.ask(car.charge_parameters())
    for state in (Iso2State.CABLE_CHECK, Iso2State.PRE_CHARGE, Iso2State.POWER_DELIVERY):
        car.step(state)
    assert car.state is Iso2State.CHARGE_LOOP
    return car


def setpoint_of(demand: CarDemand, wanted_W: float) -> Setpoint:
    """What the arbiter makes of the car, the hardware, the driver's reserve and the central system's wish."""
    hardware = Contribution(Source.HARDWARE, EvseId(1), 1e9, "rating", Interval(-20_000.0, 22_000.0))
    csms = Contribution(Source.CSMS, EvseId(1), 1e9, "profile", target_W=wanted_W)
    floor = reserve_percent(EnergySection(minimum_soc_percent=10.0), demand)
    kept = of_driver(EvseId(1), demand.energy.soc_percent, floor, 1e9)
    said = [hardware, *of_car(demand, 400.0), csms, *([] if kept is None else [kept])]
    return decide(EvseId(1), said, demand.at_s)


def flow_A(demand: CarDemand, wanted_W: float) -> tuple[float, float]:
    """The current in A that the stage may let out of the car and into it under the arbiter's set-point."""
    setpoint = setpoint_of(demand, wanted_W)
    limits = energise(demand, DC_CAN, setpoint, None, 0.5, PilotCommand.PWM, flowing=True).dc.limits
    out_A = limits.discharge_current_max_A if setpoint.power_W < 0 else 0.0
    return out_A, limits.charge_current_max_A if setpoint.power_W > 0 else 0.0


# -- the offer ---------------------------------------------------------------------------------------------------------


def offered(car: Iso2Car, **request: Any) -> list[tuple[int, str | None]]:
    answer = car.reach(Iso2State.SERVICE_DISCOVERY).ask(iso2.ServiceDiscoveryReq(**request))
    found = () if answer.ServiceList is None else answer.ServiceList.Service
    return [(service.ServiceID, service.ServiceName) for service in found]


def test_nothing_is_offered_by_default() -> None:
    assert offered(Iso2Car()) == []
    car = Iso2Car().reach(Iso2State.PAYMENT_SERVICE_SELECTION)
    answer = car.ask(car.payment_selection(1, V2G))
    assert answer.ResponseCode is ResponseCode.FAILED_ServiceSelectionInvalid
    detail = car.ask(iso2.ServiceDetailReq(ServiceID=V2G))
    assert detail.ResponseCode is ResponseCode.FAILED_ServiceIDInvalid


def test_what_is_switched_on_is_listed_as_another_category() -> None:
    assert offered(Iso2Car(**BOTH)) == [(V2H, "SAE J2847/2 V2H"), (V2G, "SAE J2847/2 V2G")]
    assert offered(Iso2Car(sae_services=("V2G",))) == [(V2G, "SAE J2847/2 V2G")]
    assert offered(Iso2Car(**BOTH), ServiceCategory=iso2.ServiceCategory.Internet) == []
    assert len(offered(Iso2Car(**BOTH), ServiceCategory=iso2.ServiceCategory.OtherCustom)) == 2


def test_an_outlet_that_does_not_discharge_offers_none() -> None:
    assert offered(Iso2Car(**BOTH, services=(EnergyService.DC,))) == []
    assert offered(Iso2Car(ac=True, **BOTH)) == []


def test_the_two_services_exclude_each_other() -> None:
    car = Iso2Car(**BOTH).reach(Iso2State.PAYMENT_SERVICE_SELECTION)
    answer = car.ask(car.payment_selection(1, V2H, V2G))
    assert answer.ResponseCode is ResponseCode.FAILED_ServiceSelectionInvalid


def test_the_log_says_that_it_is_outside_the_standard() -> None:
    texts = [event.text for event in selecting(V2G).learned(CarRemark)]
    assert texts == ["the car selects SAE J2847/2 V2G, which is outside ISO 15118-2"]


def test_a_car_that_selects_nothing_of_it_is_charged_alone() -> None:
    car = Iso2Car(**BOTH).reach(Iso2State.CHARGE_LOOP)
    car.ask(car.current_demand(-20.0))
    assert (car.demands()[-1].service, car.demands()[-1].target_current_A) == (EnergyService.DC, 0.0)


# -- V2G ---------------------------------------------------------------------------------------------------------------


def test_v2g_is_a_car_that_may_give_power_back() -> None:
    car = charging(V2G)
    selected = car.learned(ServiceSelected)[-1]
    assert (selected.service, selected.control_mode) == (EnergyService.DC_BPT, ControlMode.DYNAMIC)


@pytest.mark.parametrize(
    ("wanted_W", "target_A", "out_A", "in_A"),
    [
        (-8_000.0, 20.0, 0.0, 0.0),  # the car has not turned yet
        (-8_000.0, -20.0, 20.0, 0.0),
        (-8_000.0, 0.0, 0.0, 0.0),
        (8_000.0, -20.0, 0.0, 0.0),  # the car has not turned back yet
        (8_000.0, 20.0, 0.0, 20.0),
    ],
)
def test_v2g_power_flows_only_where_station_and_car_agree(
    wanted_W: float, target_A: float, out_A: float, in_A: float
) -> None:
    car = charging(V2G)
    car.ask(car.current_demand(target_A))
    assert flow_A(car.demands()[-1], wanted_W) == (out_A, in_A)


def test_v2g_the_station_turns_the_sign_of_its_limits_and_the_car_follows() -> None:
    car = charging(V2G)
    car.see(setpoint_W=-8_000.0, limits_W=Interval(-9_000.0, 22_000.0), current_A=0.0)
    answer = car.ask(car.current_demand(20.0))
    assert (number(answer.EVSEMaximumCurrentLimit), number(answer.EVSEMaximumPowerLimit)) == (-30.0, -9_000.0)
    car.see(current_A=-20.0)
    answer = car.ask(car.current_demand(-20.0))
    assert number(answer.EVSEPresentCurrent) == -20.0
    car.see(setpoint_W=8_000.0)
    answer = car.ask(car.current_demand(-20.0))
    assert (number(answer.EVSEMaximumCurrentLimit), number(answer.EVSEMaximumPowerLimit)) == (32.0, 22_000.0)


def test_v2g_negative_limits_of_a_loop_bound_the_discharge() -> None:
    car = charging(V2G)
    limits: dict[str, Any] = {"EVMaximumCurrentLimit": amperes(-12), "EVMaximumPowerLimit": watts(-4_000)}
    car.ask(car.current_demand(-20.0, **limits))
    demand = car.demands()[-1]
    assert (demand.limits.discharge_current_max_A, demand.limits.discharge_power_max_W) == (12.0, 4_000.0)
    assert demand.limits.charge_power_max_W == 50_000.0
    assert setpoint_of(demand, -8_000.0).power_W == -4_000.0


def test_v2g_the_reserve_of_the_configuration_is_kept() -> None:
    car = charging(V2G)
    car.ask(car.current_demand(-20.0, DC_EVStatus=car.ev_status(10)))
    assert flow_A(car.demands()[-1], -8_000.0) == (0.0, 0.0)


@given(st.integers(-300, 300), st.integers(-300, 300), st.floats(-20_000.0, 20_000.0))
def test_v2g_never_flows_against_the_target_of_the_car(target_A: int, limit_A: int, wanted_W: float) -> None:
    car = charging(V2G)
    car.ask(car.current_demand(target_A, EVMaximumCurrentLimit=amperes(limit_A)))
    out_A, in_A = flow_A(car.demands()[-1], wanted_W)
    assert 0 <= out_A <= max(0, -target_A)
    assert 0 <= in_A <= max(0, target_A)


# -- V2H ---------------------------------------------------------------------------------------------------------------


def test_v2h_the_first_request_is_answered_ongoing_and_the_second_names_the_limits() -> None:
    car = selecting(V2H)
    first = car.ask(car.charge_parameters())
    assert (first.ResponseCode, first.EVSEProcessing) == (ResponseCode.OK, EVSEProcessing.Ongoing)
    parameters = first.EVSEChargeParameter
    assert (number(parameters.EVSEMaximumCurrentLimit), number(parameters.EVSEMaximumPowerLimit)) == (-30.0, -20_000.0)
    second = car.ask(negative_parameters(car))
    assert (second.ResponseCode, second.EVSEProcessing) == (ResponseCode.OK, EVSEProcessing.Finished)


@pytest.mark.parametrize(
    "changes",
    [
        {"BulkSOC": None},
        {"EVMaximumCurrentLimit": amperes(40)},
        {"EVMaximumCurrentLimit": amperes(0)},
        {"EVMaximumPowerLimit": None},
        {"EVMaximumPowerLimit": watts(15_000)},
    ],
)
def test_v2h_without_floor_and_limits_is_refused_and_may_be_corrected(changes: dict[str, Any]) -> None:
    car = selecting(V2H)
    car.ask(car.charge_parameters())
    answer = car.ask(negative_parameters(car, **changes))
    assert answer.ResponseCode is ResponseCode.FAILED_WrongEnergyTransferMode
    assert car.ask(negative_parameters(car)).ResponseCode is ResponseCode.OK


def test_v2h_only_gives() -> None:
    car = charging(V2H)
    answer = car.ask(car.current_demand(-20.0))
    assert (number(answer.EVSEMaximumCurrentLimit), number(answer.EVSEMaximumPowerLimit)) == (-30.0, -20_000.0)
    demand = car.demands()[-1]
    assert demand.service is EnergyService.DC_BPT
    assert demand.energy.minimum_soc_percent == FLOOR_PERCENT
    assert flow_A(demand, -8_000.0) == (20.0, 0.0)
    assert flow_A(demand, 8_000.0) == (0.0, 0.0)
    car.ask(car.current_demand(20.0, EVMaximumCurrentLimit=amperes(40), EVMaximumPowerLimit=watts(15_000)))
    assert flow_A(car.demands()[-1], 8_000.0) == flow_A(car.demands()[-1], -8_000.0) == (0.0, 0.0)


@pytest.mark.parametrize(("soc", "code"), [(31, DC_EVSEStatusCode.EVSE_Ready), (30, DC_EVSEStatusCode.EVSE_Shutdown)])
def test_v2h_ends_at_the_floor_of_the_car(soc: int, code: DC_EVSEStatusCode) -> None:
    car = charging(V2H)
    answer = car.ask(car.current_demand(-20.0, DC_EVStatus=car.ev_status(soc)))
    assert answer.DC_EVSEStatus.EVSEStatusCode is code
    assert (flow_A(car.demands()[-1], -8_000.0)[0] > 0) is (code is DC_EVSEStatusCode.EVSE_Ready)


def test_v2h_a_renegotiation_asks_for_both_messages_again() -> None:
    car = charging(V2H)
    car.ask(car.current_demand(-20.0))
    held = car.send(car.power_delivery(iso2.ChargeProgress.Renegotiate))
    (answer,) = held + car.see(stage=car.inputs.stage.OFF, current_A=0.0)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.ask(negative_parameters(car)).EVSEProcessing is EVSEProcessing.Ongoing
    assert car.ask(negative_parameters(car)).EVSEProcessing is EVSEProcessing.Finished
