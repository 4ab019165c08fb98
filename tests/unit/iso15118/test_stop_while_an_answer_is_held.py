"""SessionStopReq comes while another answer is held: it takes the place of that request, which is never answered."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.model.car import CarDemandChanged, CarRemark, CarSessionEnded, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from tests.unit.iso15118.din.conftest import DinCar
from tests.unit.iso15118.iso2.car import Iso2Car
from tests.unit.iso15118.iso20.conftest import ScriptedCar


def names(answers: list[Any]) -> list[tuple[str, str]]:
    return [(type(answer).__name__, answer.ResponseCode.value) for answer in answers]


def last_phase(events: list[Any]) -> Phase:
    return [event.demand.phase for event in events if isinstance(event, CarDemandChanged)][-1]


def check(car: Any, answers: list[Any], held: str) -> None:
    assert names(answers) == [("SessionStopRes", "OK")]
    assert [event.end for event in car.events if isinstance(event, CarSessionEnded)] == [SessionEnd.TERMINATED]
    texts = [event.text for event in car.events if isinstance(event, CarRemark)]
    assert f"{held} is left unanswered: SessionStopReq came meanwhile" in texts
    assert car.see(stage=Stage.TRANSFER) == [] and car.wait(6.0) == []


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (Iso2State.AUTHORIZATION, "AuthorizationReq"),
        (Iso2State.CABLE_CHECK, "CableCheckReq"),
        (Iso2State.POWER_DELIVERY, "PowerDeliveryReq"),
    ],
)
def test_a_car_of_2(state: Iso2State, held: str) -> None:
    car = Iso2Car().reach(state)
    car.see(authorized=None if state is Iso2State.AUTHORIZATION else True)
    assert car.send(car.request(state)) == []
    check(car, car.send(car.session_stop()), held)


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (DinState.CONTRACT_AUTHENTICATION, "ContractAuthenticationReq"),
        (DinState.CABLE_CHECK, "CableCheckReq"),
    ],
)
def test_a_car_of_din(state: DinState, held: str) -> None:
    car = DinCar(least_answer_time_s=0.0).reach(state)
    car.see(authorized=None if state is DinState.CONTRACT_AUTHENTICATION else True)
    assert car.send(car.request(getattr(din, held))) == []
    check(car, car.send(din.SessionStopReq()), held)


def test_a_car_of_20() -> None:
    car = ScriptedCar().reach(State.CABLE_CHECK)
    assert car.send(car.request(dc.DC_CableCheckReq)) == []
    check(car, car.send(car.request(cm.SessionStopReq)), "DC_CableCheckReq")


def test_the_power_goes_first_where_the_contactor_was_about_to_close() -> None:
    """The held start is dropped at once, and the answer comes when no current flows."""
    car = Iso2Car().reach(Iso2State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    assert last_phase(car.events) is Phase.TRANSFER
    assert car.see(stage=Stage.RAMP_DOWN) == []
    assert car.send(car.session_stop()) == []
    assert last_phase(car.events) is Phase.OFF
    assert names(car.see(stage=Stage.OFF)) == [("SessionStopRes", "OK")]


def test_a_second_stop_does_not_win_time() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    assert car.send(car.session_stop()) == []
    assert names(car.send(car.session_stop())) == [("SessionStopRes", "FAILED_SequenceError")]


def test_no_other_message_comes_while_an_answer_is_held() -> None:
    car = Iso2Car().reach(Iso2State.CABLE_CHECK)
    assert car.send(car.cable_check()) == []
    assert names(car.send(car.cable_check())) == [("CableCheckRes", "FAILED_SequenceError")]


def test_a_stop_of_another_session_leaves_the_held_answer_alone_in_its_refusal() -> None:
    car = Iso2Car().reach(Iso2State.CABLE_CHECK)
    assert car.send(car.cable_check()) == []
    answers = car.send(car.session_stop(), session_id=bytes.fromhex("ffffffffffffffff"))
    assert names(answers) == [("SessionStopRes", "FAILED_UnknownSession")]


def test_a_pause_before_the_stop_of_power_is_refused_as_ever() -> None:
    car = Iso2Car().reach(Iso2State.CABLE_CHECK)
    assert car.send(car.cable_check()) == []
    assert names(car.send(car.session_stop(iso2.ChargingSession.Pause))) == [("SessionStopRes", "FAILED")]
