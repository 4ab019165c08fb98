"""The order of messages: every request in every state, SessionIDs by value, and SessionStop from everywhere."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.iso2.rows import ROWS, may_come
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import ChargingSession, ResponseCode
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded, SessionEnd, WishFollowed
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.iso2.car import BEFORE, Iso2Car

STATES = [(ac, state) for ac in (False, True) for state in BEFORE[ac]]


@pytest.mark.parametrize(("ac", "state"), STATES)
def test_a_request_out_of_order_is_answered_by_its_own_response_and_ends_the_session(
    ac: bool, state: Iso2State
) -> None:
    other = {iso2.ChargingStatusReq, iso2.CurrentDemandReq}
    for kind in sorted(set(ROWS) - may_come(state) - other, key=lambda found: found.__name__):
        car = Iso2Car(ac=ac).reach(state)
        answer = car.ask(car.request_of(kind))
        assert type(answer).__name__ == kind.__name__.removesuffix("Req") + "Res"
        assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
        assert car.secc.ended
        assert car.learned(CarSessionEnded)[-1].end is SessionEnd.PROTOCOL_ERROR


@pytest.mark.parametrize(("ac", "state"), [found for found in STATES if found[1] is not Iso2State.SESSION_SETUP])
def test_a_car_may_stop_in_every_state(ac: bool, state: Iso2State) -> None:
    car = Iso2Car(ac=ac).reach(state)
    car.send(car.session_stop())
    answers = car.see(stage=Stage.OFF)
    assert car.secc.ended
    assert [a.ResponseCode for a in answers] in ([], [ResponseCode.OK])
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.TERMINATED
    assert car.learned(WishFollowed)[-1].wish is Wish.TERMINATE


def test_a_stop_straight_from_the_loop_switches_off_first() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.see(current_A=20.0)
    assert car.send(car.session_stop()) == []
    assert car.demands()[-1].phase is Phase.OFF
    (answer,) = car.see(stage=Stage.OPENING, current_A=0.0)
    assert answer.ResponseCode is ResponseCode.OK


@pytest.mark.parametrize("session_id", [b"\x01", b"\x00\x01", b"\x00" * 7 + b"\x01"])
def test_session_ids_are_compared_by_value(session_id: bytes) -> None:
    car = Iso2Car(session_id=bytes(7) + b"\x01").reach(Iso2State.AUTHORIZATION)
    assert car.ask(iso2.AuthorizationReq(), session_id).ResponseCode is ResponseCode.OK


@pytest.mark.parametrize("session_id", [b"", b"\x00", bytes(8), b"\x55" * 8])
def test_any_id_opens_a_new_session(session_id: bytes) -> None:
    car = Iso2Car()
    car.agree()
    answer = car.ask(car.request(Iso2State.SESSION_SETUP), session_id)
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert any(car.heard_id)


def test_a_pause_comes_after_the_power_was_stopped() -> None:
    car = Iso2Car().reach(Iso2State.POWER_DELIVERY)
    assert car.ask(car.session_stop(ChargingSession.Pause)).ResponseCode is ResponseCode.FAILED


def test_a_message_under_the_type_of_iso15118_20_is_ignored() -> None:
    car = Iso2Car().reach(Iso2State.SERVICE_DISCOVERY)
    assert car.send_bytes(frame(PayloadType.MAINSTREAM, encode(car.message(iso2.ServiceDiscoveryReq())))) == []
    assert car.ask(iso2.ServiceDiscoveryReq()).ResponseCode is ResponseCode.OK
