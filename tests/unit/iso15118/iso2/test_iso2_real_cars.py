"""What real cars of ISO 15118-2 do (docs/sources/iso15118-2-din.md 7), and that each charges."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.iso2.physical import amperes, volts, watts
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import DC_EVErrorCode, EnergyTransferMode, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarRemark
from chargepoint.model.image import Stage
from tests.unit.iso15118.iso2.car import Iso2Car


def charges(car: Iso2Car) -> None:
    """From ChargeParameterDiscovery's answer on to the loop."""
    while car.state is not Iso2State.CHARGE_LOOP:
        for answer in car.step(car.state):
            assert answer.ResponseCode is ResponseCode.OK
    assert car.loop().ResponseCode is ResponseCode.OK


@pytest.mark.parametrize(
    "changes",
    [
        {"EVMaximumPowerLimit": None},
        {"DepartureTime": 0},
        {"EVMaximumVoltageLimit": volts(5000)},
        {"EVMaximumCurrentLimit": amperes(0)},
        {"FullSOC": 90, "BulkSOC": 80},
    ],
)
def test_parameters_of_a_dc_car(changes: dict[str, Any]) -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    assert car.ask(car.charge_parameters(**changes)).ResponseCode is ResponseCode.OK
    charges(car)


def test_a_car_that_names_no_power_takes_voltage_times_current() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    car.ask(car.charge_parameters(EVMaximumPowerLimit=None))
    assert car.demands()[-1].limits.charge_power_max_W == 125 * 450


@pytest.mark.parametrize("changes", [{"EVMinCurrent": amperes(0)}, {"DepartureTime": 0}, {"EVMaxVoltage": volts(230)}])
def test_parameters_of_an_ac_car(changes: dict[str, Any]) -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    assert car.ask(car.charge_parameters(**changes)).ResponseCode is ResponseCode.OK
    charges(car)


def test_ev_ready_false_means_nothing() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(car.charge_parameters(DC_EVStatus=car.ev_status(ready=False)))
    assert answer.ResponseCode is ResponseCode.OK
    assert car.ask(car.cable_check(ready=False)).ResponseCode is ResponseCode.OK


@pytest.mark.parametrize("target_A", [0.0, 1.0, 2.0])
def test_the_current_of_a_pre_charge_means_nothing(target_A: float) -> None:
    car = Iso2Car().reach(Iso2State.PRE_CHARGE)
    for target_V in (390.0, 369.0, 371.5):
        answer = car.ask(car.pre_charge(target_V, target_A))
        assert answer.ResponseCode is ResponseCode.OK
        assert car.demands()[-1].target_voltage_V == target_V


def test_a_car_that_goes_on_before_the_voltage_is_there_is_no_error() -> None:
    car = Iso2Car().reach(Iso2State.PRE_CHARGE)
    car.see(voltage_V=499.9)
    car.ask(car.pre_charge(369.0, 0.0))
    assert car.send(car.power_delivery()) == []
    (answer,) = car.see(stage=Stage.TRANSFER)
    assert answer.ResponseCode is ResponseCode.OK


def test_the_first_loops_ask_for_no_current_and_the_limits_change_with_each_message() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    for limit_A, target_A in ((100, 0), (200, 0), (80, 10)):
        loop = car.current_demand(target_A, EVMaximumCurrentLimit=amperes(limit_A), EVMaximumPowerLimit=watts(30_000))
        assert car.ask(loop).ResponseCode is ResponseCode.OK
        demand = car.demands()[-1]
        assert (demand.target_current_A, demand.limits.charge_current_max_A) == (target_A, limit_A)
        assert demand.limits.charge_power_max_W == 30_000
    car.ask(car.current_demand(10))
    assert car.demands()[-1].limits.charge_current_max_A == 80


def test_a_negative_current_asks_for_none() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.ask(car.current_demand(-20.0))
    assert car.demands()[-1].target_current_A == 0.0


def test_an_error_of_the_car_is_one_line_and_no_reason_to_fail() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    for _ in range(5):
        status = car.ev_status(error=DC_EVErrorCode.FAILED_RESSTemperatureInhibit)
        assert car.ask(car.current_demand(DC_EVStatus=status)).ResponseCode is ResponseCode.OK
    (remark,) = car.learned(CarRemark)
    assert "FAILED_RESSTemperatureInhibit" in remark.text


def test_zero_bytes_behind_the_document_are_no_error() -> None:
    car = Iso2Car().reach(Iso2State.AUTHORIZATION)
    data = encode(car.message(iso2.AuthorizationReq())) + b"\x00"
    (answer,) = car.send_bytes(frame(PayloadType.EXI_SAP, data))
    assert answer.ResponseCode is ResponseCode.OK


def test_an_answer_leaves_twenty_milliseconds_after_its_request() -> None:
    car = Iso2Car(least_answer_time_s=0.02).reach(Iso2State.CHARGE_LOOP)
    car.wait(0.1)  # the answer to the start left
    assert car.send(car.current_demand()) == []
    assert car.wait(0.019) == []
    (answer,) = car.wait(0.002)
    assert answer.ResponseCode is ResponseCode.OK


def test_dc_core_at_a_combined_connector_is_served() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    assert car.ask(car.charge_parameters(EnergyTransferMode.DC_core)).ResponseCode is ResponseCode.OK
    charges(car)


def test_a_car_polls_its_authorisation_twice() -> None:
    car = Iso2Car()
    car.see(authorized=None)
    car.reach(Iso2State.AUTHORIZATION)
    assert car.send(iso2.AuthorizationReq()) == []  # held
    assert car.see(authorized=True)[0].ResponseCode is ResponseCode.OK


def test_the_state_of_charge_comes_with_each_dc_message() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.ask(car.current_demand(DC_EVStatus=car.ev_status(67), RemainingTimeToFullSoC=volts(100)))
    assert car.demands()[-1].energy.soc_percent == 67.0
    assert car.demands()[-1].display.to_maximum_soc_s == 100.0
    ac = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    ac.loop()
    assert ac.demands()[-1].energy.soc_percent is None


def test_numbers_are_sent_as_measured() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.see(voltage_V=401.25, current_A=-3.5)
    loop = car.loop()
    assert (number(loop.EVSEPresentVoltage), number(loop.EVSEPresentCurrent)) == (401.2, -3.5)
