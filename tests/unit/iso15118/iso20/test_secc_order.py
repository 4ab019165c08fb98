"""Order and time: every message in every state, unknown sessions, and each timer by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chargepoint.iso15118.conversation.timeouts import V2G_EVCC_MSG_TIMEOUT_LONGEST_S
from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded, ControlMode, SessionEnd
from tests.unit.iso15118.iso20.conftest import ALLOWED, ALWAYS

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


NewCar = Callable[..., "ScriptedCar"]
REQUESTS = sorted(
    {kind for kinds in ALLOWED.values() for kind in kinds} | ALWAYS | {cm.MeteringConfirmationReq},
    key=lambda kind: kind.__name__,
)
STATES = [state for state in State if state is not State.ENDED]
WRONG = [
    (state, kind)
    for state in STATES
    for kind in REQUESTS
    if kind not in ALLOWED[state] and (kind not in ALWAYS or state is State.SESSION_SETUP)
]


@pytest.mark.parametrize(("state", "kind"), WRONG, ids=[f"{s.value}-{k.__name__}" for s, k in WRONG])
def test_a_wrong_message_is_a_sequence_error_in_its_own_response(new_car: NewCar, state: State, kind: type) -> None:
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


@pytest.mark.parametrize("state", [s for s in STATES if s is not State.SESSION_SETUP])
def test_session_stop_is_allowed_in_every_state(new_car: NewCar, state: State) -> None:
    car = new_car().reach(state)
    answer = car.ask(car.request(cm.SessionStopReq))
    assert isinstance(answer, cm.SessionStopRes)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.events[-1].end is SessionEnd.TERMINATED


@pytest.mark.parametrize("state", [s for s in STATES if s is not State.SESSION_SETUP])
@pytest.mark.parametrize("stranger", [bytes(8), b"\xff" * 8, b"", b"\x01\x02\x03\x04\x05\x06\x07"])
def test_another_session_is_unknown(new_car: NewCar, state: State, stranger: bytes) -> None:
    car = new_car().reach(state)
    own = car.session_id
    car.session_id = stranger
    kind = sorted(ALLOWED[state], key=lambda k: k.__name__)[0]
    answer = car.ask(car.request(kind))
    assert answer.ResponseCode is ResponseCode.FAILED_UnknownSession
    assert answer.Header.SessionID == own
    assert car.secc.ended


def test_every_state_of_the_table_is_reached_by_a_session(order: list[State]) -> None:
    assert set(order) == set(STATES)
    assert ALLOWED[State.ENDED] == frozenset()


def test_a_response_sent_by_the_car_ends_the_connection(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    answer = cm.ServiceSelectionRes(Header=car.header(), ResponseCode=ResponseCode.OK)
    assert car.send(answer) == []
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


# -- time -------------------------------------------------------------------------------------------------------------


def ended_after(car: ScriptedCar, seconds: float) -> str:
    """The detail of the time-out that comes at this second and not before."""
    car.wait(seconds - 0.01)
    assert not car.secc.ended
    assert car.secc.deadline_s is not None
    assert car.wait(0.02) == []
    end = car.events[-1]
    assert end.end is SessionEnd.TIMEOUT
    return str(end.detail)


def test_communication_setup_times_out_without_any_byte(new_car: NewCar) -> None:
    assert "V2G_SECC_CommunicationSetup_Timeout" in ended_after(new_car(), 20.0)


def test_the_protocol_agreed_does_not_prolong_communication_setup(new_car: NewCar) -> None:
    car = new_car()
    car.wait(15.0)
    car.agree()
    assert "V2G_SECC_CommunicationSetup_Timeout" in ended_after(car, 5.0)


def test_half_a_frame_does_not_prolong_communication_setup(new_car: NewCar) -> None:
    car = new_car()
    car.wait(10.0)
    car.send_bytes(b"\x01\xfe\x80\x01\x00\x00\x00\x20\x80")
    assert "V2G_SECC_CommunicationSetup_Timeout" in ended_after(car, 10.0)


@pytest.mark.parametrize("state", [s for s in STATES if s is not State.SESSION_SETUP])
def test_a_silent_car_times_out_sooner_under_voltage(new_car: NewCar, state: State) -> None:
    under_voltage = state in (State.PRE_CHARGE, State.POWER_DELIVERY, State.CHARGE_LOOP)
    detail = ended_after(new_car().reach(state), 10.0 if under_voltage else 60.0)
    assert ("on_voltage_timeout_s" if under_voltage else "V2G_SECC_Sequence_Timeout") in detail
    assert "charge loop" not in detail
    assert state.value in detail


def test_an_ignored_frame_does_not_prolong_the_sequence(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    car.wait(59.0)
    car.send(car.request(cm.ServiceDiscoveryReq), kind=0x8105)
    assert "V2G_SECC_Sequence_Timeout" in ended_after(car, 1.0)


@pytest.mark.parametrize("timeout_s", [0.5, 1.2, 3.0])
@pytest.mark.parametrize("mode", list(ControlMode))
def test_the_charge_loop_has_its_own_timeout(new_car: NewCar, timeout_s: float, mode: ControlMode) -> None:
    car = new_car(mode, loop_timeout_s=timeout_s).reach(State.CHARGE_LOOP)
    for _ in range(5):
        car.wait(timeout_s * 0.9)
        car.ask(car.charge_loop())
    assert "V2G_SECC_Sequence_Timeout (charge loop)" in ended_after(car, timeout_s)


def test_after_power_delivery_the_timer_of_the_loop_rules_no_more(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    car.ask(car.power_delivery(cm.ChargeProgress.Standby))
    assert "on_voltage_timeout_s" in ended_after(car, 10.0)


def test_only_a_new_connection_of_the_same_silent_car_shows_that_it_gave_this_one_up(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DETAIL)
    car.wait(V2G_EVCC_MSG_TIMEOUT_LONGEST_S - 0.1)
    assert not car.secc.given_up("fe80::1", car.now)
    car.wait(0.2)
    assert car.secc.given_up("fe80::1", car.now)
    assert not car.secc.given_up("fe80::2", car.now)
    car.step(State.SERVICE_DETAIL)
    assert not car.secc.given_up("fe80::1", car.now)


def test_no_timer_runs_while_an_answer_is_held(new_car: NewCar) -> None:
    car = new_car(loop_timeout_s=0.5).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    car.send(car.power_delivery(cm.ChargeProgress.Stop))
    assert car.secc.deadline_s == pytest.approx(car.t + 1.5)
    (answer,) = car.wait(1.5)
    assert isinstance(answer, cm.PowerDeliveryRes)
    assert not car.secc.ended


# -- payload types ----------------------------------------------------------------------------------------------------


def test_a_request_under_the_type_of_the_handshake_is_read_as_the_agreed_protocol(new_car: NewCar) -> None:
    car = new_car().reach(State.SESSION_SETUP)
    (answer,) = car.send(car.request(cm.SessionSetupReq), kind=PayloadType.EXI_SAP)
    assert isinstance(answer, cm.SessionSetupRes)
    car.session_id = answer.Header.SessionID
    (answer,) = car.send(car.request(cm.AuthorizationSetupReq), kind=PayloadType.EXI_SAP)
    assert isinstance(answer, cm.AuthorizationSetupRes)


@pytest.mark.parametrize("kind", [0x0000, 0x8000, 0x8003, 0x8005, 0x8006, 0x8103, 0x8105, 0x9000, 0x9001, 0xFFFF])
def test_payload_types_we_do_not_know_are_ignored(new_car: NewCar, kind: int) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    assert car.send(car.request(dc.DC_CableCheckReq), kind=kind) == []
    assert not car.secc.ended
    assert car.ask(car.request(cm.ServiceDiscoveryReq)).ResponseCode is ResponseCode.OK


def test_nothing_but_the_handshake_is_heard_before_it(new_car: NewCar) -> None:
    car = new_car()
    assert car.send(car.request(cm.SessionSetupReq)) == []
    assert car.agree().SchemaID == 7


@pytest.mark.parametrize(
    "kind", [PayloadType.MAINSTREAM, PayloadType.SCHEDULE_RENEGOTIATION, PayloadType.PARKING_STATUS]
)
def test_a_dc_message_under_another_type_is_refused_in_its_own_response(new_car: NewCar, kind: PayloadType) -> None:
    car = new_car().reach(State.CABLE_CHECK)
    (answer,) = car.send(car.request(dc.DC_CableCheckReq), kind=kind)
    assert isinstance(answer, dc.DC_CableCheckRes)
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
    ended = car.events[-1]
    assert ended.end is SessionEnd.PROTOCOL_ERROR
    assert f"{int(kind):#06x}" in ended.detail


def test_frames_may_come_in_any_pieces(new_car: NewCar) -> None:
    whole = new_car().reach(State.SERVICE_DISCOVERY)

    data = frame(PayloadType.MAINSTREAM, encode(whole.request(cm.ServiceDiscoveryReq)))
    answers = [answer for byte in data for answer in whole.send_bytes(bytes((byte,)))]
    assert [type(a) for a in answers] == [cm.ServiceDiscoveryRes]


def test_the_trace_is_bounded_and_names_messages(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    for _ in range(100):
        car.ask(car.charge_loop())
    assert len(car.secc.trace) == 40
    assert {m.name for m in car.secc.trace} == {"DC_ChargeLoopReq", "DC_ChargeLoopRes"}
