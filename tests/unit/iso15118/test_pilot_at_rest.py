"""After PowerDelivery(Stop) a DC car of -2 or DIN goes to pilot B: the answers wait for that, and never for ever."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.model.car import CarSessionEnded, SessionEnd
from chargepoint.model.image import ControlPilot
from tests.unit.iso15118.din.conftest import DinCar
from tests.unit.iso15118.iso2.car import Iso2Car

MESSAGES = ("WeldingDetectionReq", "SessionStopReq")
PROTOCOLS = ("-2", "DIN")


def stopped(protocol: str) -> Iso2Car | DinCar:
    """A car that sent PowerDelivery(Stop), and whose pilot still shows C."""
    car: Iso2Car | DinCar
    car = (
        Iso2Car().reach(Iso2State.WELDING_DETECTION) if protocol == "-2" else DinCar().reach(DinState.WELDING_DETECTION)
    )
    car.see(pilot=ControlPilot.C)
    return car


def request(car: Iso2Car | DinCar, name: str) -> Any:
    if isinstance(car, DinCar):
        return car.request(getattr(din, name))
    return car.request_of(getattr(iso2, name))


def ended(car: Iso2Car | DinCar) -> list[SessionEnd]:
    return [event.end for event in car.events if isinstance(event, CarSessionEnded)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MESSAGES)
def test_the_answer_waits_for_b(protocol: str, name: str) -> None:
    car = stopped(protocol)
    assert car.send(request(car, name)) == []
    assert car.wait(1.0) == []
    (answer,) = car.see(pilot=ControlPilot.B)
    assert answer.ResponseCode.value == "OK"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_car_that_never_goes_to_b_is_answered_failed(protocol: str, name: str) -> None:
    car = stopped(protocol)
    assert car.send(request(car, name)) == []
    (answer,) = car.wait(1.6)
    assert answer.ResponseCode.value == "FAILED"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_car_that_leaves_in_c_has_left_all_the_same(protocol: str) -> None:
    """Its transaction ends, and nobody calls it back."""
    car = stopped(protocol)
    car.send(request(car, "SessionStopReq"))
    car.wait(1.6)
    assert ended(car) == [SessionEnd.TERMINATED]
    assert car.secc.ended and car.secc.kept is None


def test_a_car_of_2_may_still_leave_in_order_after_a_failed_welding_detection() -> None:
    car = stopped("-2")
    car.send(request(car, "WeldingDetectionReq"))
    car.wait(1.6)
    assert ended(car) == []
    car.see(pilot=ControlPilot.B)
    assert car.ask(request(car, "SessionStopReq")).ResponseCode.value == "OK"
    assert ended(car) == [SessionEnd.TERMINATED]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MESSAGES)
def test_b_is_awaited_once(protocol: str, name: str) -> None:
    """A car may pulse its pilot after the first answer."""
    car = stopped(protocol)
    car.see(pilot=ControlPilot.B)
    assert car.ask(request(car, "WeldingDetectionReq")).ResponseCode.value == "OK"
    car.see(pilot=ControlPilot.C)
    assert (car.send(request(car, name)) or car.wait(0.05))[0].ResponseCode.value == "OK"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_car_that_leaves_without_a_stop_is_not_held_for_its_pilot(protocol: str) -> None:
    car: Iso2Car | DinCar
    car = Iso2Car().reach(Iso2State.CABLE_CHECK) if protocol == "-2" else DinCar().reach(DinState.CABLE_CHECK)
    assert (car.send(request(car, "SessionStopReq")) or car.wait(0.05))[0].ResponseCode.value == "OK"


def test_a_pause_is_not_held_for_the_pilot() -> None:
    car = stopped("-2")
    assert isinstance(car, Iso2Car)
    (answer,) = car.send(car.session_stop(iso2.ChargingSession.Pause))
    assert answer.ResponseCode.value == "OK"


def test_an_ac_car_is_not_held_for_its_pilot() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.SESSION_STOP)
    car.see(pilot=ControlPilot.C)
    (answer,) = car.send(car.session_stop())
    assert answer.ResponseCode.value == "OK"
