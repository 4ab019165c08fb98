"""An AC car renegotiates, and the central system takes its time: the car goes on charging as it was allowed to."""

from __future__ import annotations

from chargepoint.iso15118.conversation.timeouts import V2G_SECC_ONGOING_S
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import ChargeProgress, EVSEProcessing, ResponseCode
from chargepoint.model.car import SessionEnd
from chargepoint.model.demand import Phase
from tests.unit.iso15118.iso2.car import Iso2Car


def renegotiating() -> Iso2Car:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    car.loop()
    car.answers_questions = False
    assert car.ask(car.power_delivery(ChargeProgress.Renegotiate)).ResponseCode is ResponseCode.OK
    return car


def test_power_goes_on_while_the_station_answers_ongoing() -> None:
    car = renegotiating()
    until_s = car.t + 20.0
    while car.t < until_s:
        assert car.ask(car.charge_parameters()).EVSEProcessing is EVSEProcessing.Ongoing
        car.wait(0.5)
        demand = car.demands()[-1]
        assert demand.phase is Phase.TRANSFER
        assert car.t - demand.at_s < demand.good_for_s


def test_it_does_not_go_on_for_ever() -> None:
    car = renegotiating()
    until_s = car.t + V2G_SECC_ONGOING_S + 5.0
    while car.t < until_s and not car.secc.ended:
        car.send(car.charge_parameters())
        car.wait(0.5)
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION


def test_a_car_that_falls_silent_loses_its_power() -> None:
    car = renegotiating()
    car.ask(car.charge_parameters())
    asked_s = car.t
    car.wait(5.0)
    assert car.demands()[-1].at_s <= asked_s
    car.wait(6.0)
    assert car.events[-1].end is SessionEnd.TIMEOUT
