"""Order of DIN 70121: every message in every state, foreign session ids, and the codes that end a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chargepoint.iso15118.din.rows import ROWS
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.exi.codec import NS_DIN, decode, encode
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages.din70121 import ResponseCode
from chargepoint.model.car import CarSessionEnded, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar

NewCar = Callable[..., "DinCar"]
REQUESTS = sorted(ROWS, key=lambda kind: kind.__name__)
STATES = [state for state in DinState if state is not DinState.ENDED]
WRONG = [(state, kind) for state in STATES for kind in REQUESTS if state not in ROWS[kind].moves]

IN_SESSION = [kind for kind in REQUESTS if ROWS[kind].moves and kind is not din.SessionSetupReq]


def test_every_request_of_the_schema_has_a_row() -> None:
    requests = {vars(din)[name] for name in din.__all__ if name.endswith("Req")}
    assert requests == set(ROWS)


@pytest.mark.parametrize(("state", "kind"), WRONG, ids=[f"{s.value}-{k.__name__}" for s, k in WRONG])
def test_a_wrong_message_is_a_sequence_error_in_its_own_response(new_car: NewCar, state: DinState, kind: type) -> None:
    car = new_car().reach(state)
    answer = car.ask(car.request(kind))
    assert type(answer).__name__ == kind.__name__.removesuffix("Req") + "Res"
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
    assert car.secc.ended
    end = car.events[-1]
    assert isinstance(end, CarSessionEnded)
    assert end.end is SessionEnd.PROTOCOL_ERROR
    assert kind.__name__ in end.detail
    assert state.value in end.detail


@pytest.mark.parametrize("kind", IN_SESSION, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("session_id", [b"\0", bytes(8), b"", bytes.fromhex("0102030405060709")])
def test_a_foreign_session_is_refused_in_its_own_response(new_car: NewCar, kind: type, session_id: bytes) -> None:
    car = new_car().reach(next(state for state in STATES if state in ROWS[kind].moves))
    car.session_id = session_id
    answer = car.ask(car.request(kind))
    assert type(answer).__name__ == kind.__name__.removesuffix("Req") + "Res"
    assert answer.ResponseCode is ResponseCode.FAILED_UnknownSession
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


@pytest.mark.parametrize("session_id", [b"\0", bytes(8), b"", b"\x07"])
def test_a_new_session_begins_with_whatever_id_the_car_sends(new_car: NewCar, session_id: bytes) -> None:
    car = new_car().reach(DinState.SESSION_SETUP)
    car.session_id = session_id
    answer = car.ask(car.request(din.SessionSetupReq))
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert car.secc.session.session_id == bytes.fromhex("0102030405060708")


def test_session_ids_are_compared_by_value(new_car: NewCar) -> None:
    car = new_car(session_id=bytes.fromhex("0000000000000708")).reach(DinState.SESSION_SETUP)
    car.step(DinState.SESSION_SETUP)
    car.session_id = bytes.fromhex("0708")
    assert car.ask(din.ServiceDiscoveryReq()).ResponseCode is ResponseCode.OK


@pytest.mark.parametrize("state", [s for s in STATES if s is not DinState.SESSION_SETUP])
def test_session_stop_is_allowed_in_every_state(new_car: NewCar, state: DinState) -> None:
    car = new_car().reach(state)
    held = car.send(din.SessionStopReq())
    answers = [*held, *car.see(stage=car_off(state)), *car.wait(0.03)]
    assert [type(a) for a in answers] == [din.SessionStopRes]
    assert answers[0].ResponseCode is ResponseCode.OK
    assert car.events[-1].end is SessionEnd.TERMINATED
    assert all(demand.phase is Phase.OFF for demand in car.demands()[-1:])


def car_off(state: DinState) -> Stage:
    """The stage after the station took the power off."""
    return Stage.OFF if state is DinState.CURRENT_DEMAND else Stage.CABLE_CHECKED


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("code", list(ResponseCode))
def test_every_code_of_every_response_has_all_its_fields(new_car: NewCar, kind: type, code: ResponseCode) -> None:
    car = new_car().reach(DinState.SERVICE_DISCOVERY)
    at = car.secc._situation(car.now)  # the engine's own view of this instant
    body = ROWS[kind].refuse(car.request(kind), code, car.secc.session, at)
    message = din.V2G_Message(Header=din.MessageHeader(SessionID=b"\1"), Body=din.Body(BodyElement=body))
    assert decode(NS_DIN, encode(message)) == message


def test_a_message_without_a_body_ends_the_session(new_car: NewCar) -> None:
    car = new_car().reach(DinState.SERVICE_DISCOVERY)
    assert car.send(None) == []
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


def test_a_response_sent_by_the_car_ends_the_session(new_car: NewCar) -> None:
    car = new_car().reach(DinState.SERVICE_DISCOVERY)
    assert car.send(din.SessionStopRes(ResponseCode=ResponseCode.OK)) == []
    assert "SessionStopRes" in car.events[-1].detail
