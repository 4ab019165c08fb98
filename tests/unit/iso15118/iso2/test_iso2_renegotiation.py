"""What the station asks of a car, and a new schedule in the middle of the transfer."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    DC_EVSEStatusCode,
    EVSENotification,
    EVSEProcessing,
    IsolationLevel,
    ResponseCode,
)
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import CarSessionEnded, QuestionAsked, ScheduleOffered, ServiceSelected, WishFollowed
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.iso2.car import Iso2Car


def status_of(car: Iso2Car) -> Any:
    answer = car.loop()
    return answer.AC_EVSEStatus if car.ac else answer.DC_EVSEStatus


@pytest.mark.parametrize("ac", [False, True])
@pytest.mark.parametrize(
    ("wish", "notification"),
    [
        (Wish.TERMINATE, EVSENotification.StopCharging),
        (Wish.PAUSE, EVSENotification.StopCharging),
        (Wish.SCHEDULE_RENEGOTIATION, EVSENotification.ReNegotiation),
        (Wish.SERVICE_RENEGOTIATION, EVSENotification.ReNegotiation),
        (Wish.EXIT_STANDBY, EVSENotification.None_),
        (Wish.METERING_CONFIRMATION, EVSENotification.None_),
        (None, EVSENotification.None_),
    ],
)
def test_each_wish_of_the_station(ac: bool, wish: Wish | None, notification: EVSENotification) -> None:
    car = Iso2Car(ac=ac).reach(Iso2State.CHARGE_LOOP)
    car.wish(wish)
    assert status_of(car).EVSENotification is notification


def test_the_delay_of_a_wish_counts_down_to_zero() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.wish(Wish.SCHEDULE_RENEGOTIATION, 3.0)
    seen = []
    for _ in range(5):
        seen.append(status_of(car).NotificationMaxDelay)
        car.wait(1.0)
    assert seen == [3, 2, 1, 0, 0]


@pytest.mark.parametrize("wish", [Wish.TERMINATE, Wish.PAUSE])
def test_a_car_that_does_not_know_notifications_reads_shutdown(wish: Wish) -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    assert status_of(car).EVSEStatusCode is DC_EVSEStatusCode.EVSE_Ready
    car.wish(wish)
    assert status_of(car).EVSEStatusCode is DC_EVSEStatusCode.EVSE_Shutdown


def test_a_dc_car_renegotiates_with_a_new_cable_check_and_the_same_session() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.loop()
    car.wish(Wish.SCHEDULE_RENEGOTIATION)
    assert car.send(car.power_delivery(ChargeProgress.Renegotiate)) == []  # the current goes first
    assert car.demands()[-1].phase is Phase.OFF
    car.wish(None)
    (answer,) = car.see(stage=Stage.OFF, voltage_V=5.0, current_A=0.0)
    assert answer.ResponseCode is ResponseCode.OK
    assert answer.EVSEStatus.EVSEIsolationStatus is IsolationLevel.Invalid
    assert answer.EVSEStatus.EVSENotification is EVSENotification.None_
    assert answer.EVSEStatus.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Ready
    assert car.learned(WishFollowed)[-1].wish is Wish.SCHEDULE_RENEGOTIATION
    car.foreseen = (PowerPiece(3600, 9_000.0, 0.0),)
    (parameters,) = car.step(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    (entry,) = parameters.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry
    assert number(entry.PMax) == 9_000
    first, second = car.step(Iso2State.CABLE_CHECK)
    assert (first.EVSEProcessing, second.EVSEProcessing) == (EVSEProcessing.Ongoing, EVSEProcessing.Finished)
    car.step(Iso2State.PRE_CHARGE)
    (started,) = car.step(Iso2State.POWER_DELIVERY)
    assert started.ResponseCode is ResponseCode.OK
    assert car.loop().ResponseCode is ResponseCode.OK
    assert len(car.learned(ScheduleOffered)) == 2
    assert len(car.learned(ServiceSelected)) == 1
    assert [asked.question.round for asked in car.learned(QuestionAsked)] == [0, 1]
    assert car.learned(CarSessionEnded) == []


def test_a_dc_car_cannot_start_again_without_a_cable_check() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.loop()
    car.send(car.power_delivery(ChargeProgress.Renegotiate))
    car.see(stage=Stage.OFF, current_A=0.0)
    car.step(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    assert car.ask(car.power_delivery()).ResponseCode is ResponseCode.FAILED_SequenceError


def test_a_renegotiation_whose_current_does_not_end_is_refused() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.loop()
    car.see(current_A=30.0)
    answer = car.ask(car.power_delivery(ChargeProgress.Renegotiate))
    assert answer.ResponseCode is ResponseCode.FAILED_PowerDeliveryNotApplied


def test_an_ac_car_renegotiates_while_it_charges() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    car.loop()
    car.wish(Wish.SERVICE_RENEGOTIATION)
    answer = car.ask(car.power_delivery(ChargeProgress.Renegotiate))
    assert answer.ResponseCode is ResponseCode.OK
    assert isinstance(answer.EVSEStatus, iso2.AC_EVSEStatus)
    assert car.learned(WishFollowed)[-1].wish is Wish.SERVICE_RENEGOTIATION
    assert car.demands()[-1].phase is Phase.TRANSFER
    car.step(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    assert car.demands()[-1].phase is Phase.TRANSFER
    (started,) = car.send(car.power_delivery())  # at once: the contactor is closed
    assert started.ResponseCode is ResponseCode.OK
    assert car.loop().ResponseCode is ResponseCode.OK


def test_an_ac_car_that_renegotiates_without_end_is_refused() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    car.loop()
    codes = []
    for _ in range(12):
        codes.append(car.ask(car.power_delivery(ChargeProgress.Renegotiate)).ResponseCode)
        if codes[-1] is not ResponseCode.OK:
            break
        car.step(Iso2State.CHARGE_PARAMETER_DISCOVERY)
        car.send(car.power_delivery())
        car.wait(1.0)
    assert codes[-1] is ResponseCode.FAILED_SequenceError
    assert "no charge loop for more than 10 s" in car.learned(CarSessionEnded)[-1].detail
