"""Power flows on the word of a charge loop. Other messages, however often they come, do not keep it flowing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.steps.pre_charge import PRE_CHARGE_PATIENCE_S
from chargepoint.model.car import CarDemand, ControlMode, SessionEnd
from chargepoint.model.demand import Phase
from tests.unit.iso15118.iso20.conftest import ScriptedCar

NewCar = Callable[..., ScriptedCar]


def age_s(car: ScriptedCar) -> float:
    """How old the car's word is by the last demand."""
    demand: CarDemand = car.demands()[-1]
    assert demand.phase is Phase.TRANSFER
    return car.t - demand.at_s


def good(car: ScriptedCar) -> bool:
    """Whether power may flow on it now."""
    demand: CarDemand = car.demands()[-1]
    return age_s(car) <= demand.good_for_s


def renegotiate(car: ScriptedCar) -> None:
    car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
    car.wait(0.4)
    car.ask(car.schedule_exchange())
    car.wait(0.4)
    assert car.ask(car.power_delivery(profile_W=(5_000,))).ResponseCode is ResponseCode.OK


def test_a_renegotiation_does_not_interrupt_the_power(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    renegotiate(car)
    assert good(car)
    car.wait(0.3)
    car.ask(car.charge_loop())
    assert age_s(car) == 0.0


def test_renegotiations_without_a_loop_in_between_keep_no_power_flowing(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    renegotiate(car)
    renegotiate(car)
    assert not good(car)
    began_s = car.t
    while not car.secc.ended and car.t < began_s + 60.0:
        car.send(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
        if not car.secc.ended:
            renegotiate_on(car)
    assert car.secc.ended
    assert car.t - began_s < 12.0
    assert "no charge loop for more than 10 s" in car.events[-1].detail


def renegotiate_on(car: ScriptedCar) -> None:
    car.wait(0.4)
    car.ask(car.schedule_exchange())
    car.wait(0.4)
    car.ask(car.power_delivery(profile_W=(5_000,)))
    assert not good(car)


@pytest.mark.parametrize("processing", list(Processing)[:2])
def test_start_repeated_instead_of_loops_keeps_no_power_flowing(new_car: NewCar, processing: Processing) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    began_s = car.t
    ages = []
    while not car.secc.ended and car.t < began_s + 60.0:
        car.wait(0.4)
        answers = car.send(car.power_delivery(processing=processing))
        assert answers
        ages.append(age_s(car))
    assert ages[2] > 0.5
    assert ages == sorted(ages)
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR
    assert answers[-1].ResponseCode is ResponseCode.FAILED_SequenceError
    assert car.t - began_s < 11.0


def test_standby_and_start_in_turn_without_loops_keep_no_power_flowing(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    for _ in range(4):
        car.wait(0.2)
        car.ask(car.power_delivery(cm.ChargeProgress.Standby))
        car.wait(0.2)
        car.ask(car.power_delivery(profile_W=(5_000,)))
    assert not good(car)
    car.ask(car.charge_loop())
    assert good(car)


def test_stop_is_taken_however_long_no_loop_came(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    for _ in range(2):
        car.wait(5.5)
        car.send(car.power_delivery(cm.ChargeProgress.Stop))
        if car.demands()[-1].phase is Phase.OFF:
            break
        car.send(car.power_delivery(processing=Processing.Ongoing))
    assert car.demands()[-1].phase is Phase.OFF
    assert not car.secc.ended


def test_voltage_does_not_stay_on_the_cable_of_a_car_that_pre_charges_for_ever(new_car: NewCar) -> None:
    car = new_car().reach(State.PRE_CHARGE)
    began_s = car.t
    while not car.secc.ended and car.t < began_s + 120.0:
        answer = car.ask(car.pre_charge(Processing.Ongoing))
        car.wait(0.5)
    assert answer.ResponseCode is ResponseCode.FAILED
    assert car.t - began_s == pytest.approx(PRE_CHARGE_PATIENCE_S, abs=1.5)
    assert f"{PRE_CHARGE_PATIENCE_S:.0f} s" in car.events[-1].detail


def test_nor_of_a_car_that_says_it_will_start_and_does_not(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    began_s = car.t
    while not car.secc.ended and car.t < began_s + 120.0:
        answer = car.ask(car.power_delivery(processing=Processing.Ongoing))
        car.wait(5.0)
    assert answer.ResponseCode is ResponseCode.FAILED
    assert car.t - began_s <= PRE_CHARGE_PATIENCE_S + 10.0
