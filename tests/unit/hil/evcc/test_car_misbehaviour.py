"""Misbehaviour of the virtual car: what each kind puts on the wire, and that every kind fits every plan at every message."""

from __future__ import annotations

import itertools
import struct
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import NS_DC, ExiError, decode
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.rational import number
from chargepoint.iso15118.v2gtp import HEADER, PayloadType
from hil.simulators.evcc.misbehaviour import KINDS, Misbehaviour
from hil.simulators.evcc.orders import OrderContactors, OrderDisconnection, OrderPilot
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec

LOOP = "DC_ChargeLoopReq"
SETUP = "AuthorizationSetupReq"


def misbehaving(what: str, at: str = LOOP, nth: int = 3, **values: Any) -> CarPlan:
    return CarPlan(misbehaviours=(Misbehaviour(what, at=at, nth=nth, **values),))


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """Payload types and payloads of bytes that are whole frames."""
    found = []
    while data:
        _, _, kind, length = HEADER.unpack_from(data)
        found.append((kind, data[HEADER.size : HEADER.size + length]))
        data = data[HEADER.size + length :]
    return found


# -- changed requests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["wrong_session_id", "zero_session_id"])
def test_another_session_id_is_answered_with_unknown_session(trip: Any, new_station: Any, what: str) -> None:
    station = new_station()
    car = trip(misbehaving(what), station).run()
    assert car.progress.error == "DC_ChargeLoopRes: FAILED_UnknownSession"
    ids = [r.Header.SessionID for r in station.seen if isinstance(r, dc.DC_ChargeLoopReq)]
    assert ids[:2] == [b"\1" * 8] * 2
    assert ids[2] == (bytes(8) if what == "zero_session_id" else b"\xa4" * 8)


@pytest.mark.parametrize("mode", ["dynamic", "scheduled"])
@pytest.mark.parametrize("what", ["other_control_mode", "other_direction"])
def test_a_control_mode_that_was_not_agreed(trip: Any, new_station: Any, what: str, mode: str) -> None:
    station = new_station()
    trip(misbehaving(what), station, CarSpec(control_mode=mode)).run(loops=4)
    agreed, wrong = (type(r.CLReqControlMode).__name__ for r in station.seen_loops()[1:3])
    expected = agreed.replace("BPT_", "")
    if what == "other_control_mode":
        other = ("Scheduled", "Dynamic") if mode == "scheduled" else ("Dynamic", "Scheduled")
        expected = agreed.replace(*other)
    assert wrong == expected


def charge_parameters(trip: Any, station: Any, what: str) -> Any:
    trip(misbehaving(what, at="DC_ChargeParameterDiscoveryReq", nth=1), station).run(loops=1)
    (request,) = [r for r in station.seen if isinstance(r, dc.DC_ChargeParameterDiscoveryReq)]
    return request.DC_CPDReqEnergyTransferMode


def test_limits_that_cannot_be(trip: Any, new_station: Any) -> None:
    mode = charge_parameters(trip, new_station(), "min_above_max")
    assert number(mode.EVMinimumChargePower) > number(mode.EVMaximumChargePower) > 0
    assert number(mode.EVMinimumVoltage) > number(mode.EVMaximumVoltage)
    mode = charge_parameters(trip, new_station(), "negative_limits")
    assert number(mode.EVMaximumChargePower) < 0 and number(mode.EVMaximumChargeCurrent) < 0
    mode = charge_parameters(trip, new_station(), "huge_exponent")
    assert {mode.EVMaximumVoltage.Exponent, mode.EVMinimumChargePower.Exponent} == {127}
    mode = charge_parameters(trip, new_station(), "tiny_exponent")
    assert mode.EVMaximumVoltage.Exponent == -128
    mode = charge_parameters(trip, new_station(), "voltage_below_station")
    assert number(mode.EVMaximumVoltage) < 150
    mode = charge_parameters(trip, new_station(), "voltage_above_station")
    assert number(mode.EVMinimumVoltage) > 1000


@pytest.mark.parametrize("mode", ["dynamic", "scheduled"])
def test_the_direction_flips_with_each_loop(trip: Any, new_station: Any, mode: str) -> None:
    station = new_station()
    plan = misbehaving("flip", nth=1, always=True)
    car = trip(plan, station, CarSpec(control_mode=mode)).run(loops=6)
    modes = [r.CLReqControlMode for r in station.seen_loops()]
    if mode == "scheduled":
        assert [number(m.EVTargetCurrent) > 0 for m in modes] == [True, False] * 3
    else:
        assert [number(m.EVMaximumChargePower) > 0 for m in modes] == [True, False] * 3
        assert [number(m.EVMaximumDischargePower) > 0 for m in modes] == [False, True] * 3
    assert car.progress.error is None


# -- changed bytes ----------------------------------------------------------------------------------------------------


def last_piece(trip: Any, station: Any, plan: CarPlan) -> bytes:
    """The bytes of the request the plan spoils, which is the last one sent."""
    session = trip(plan, station)
    session.run(until_s=30.0)
    clean = trip(CarPlan(), type(station)())
    clean.run(until_s=30.0, loops=9)
    length = 0
    for _, payload in frames(clean.received)[: clean.car.log.names().index(SETUP)]:
        length += HEADER.size + len(payload)
    data: bytes = session.received
    return data[length:]


def test_frames_that_are_wrong_on_the_wire(trip: Any, new_station: Any) -> None:
    ((kind, payload),) = frames(last_piece(trip, new_station(), misbehaving("wrong_payload_type", SETUP, 1)))
    assert kind == PayloadType.WPT_MAINSTREAM and payload[:1] == b"\x80"
    data = last_piece(trip, new_station(), misbehaving("wrong_payload_type", SETUP, 1, value=0x1234))
    assert frames(data)[0][0] == 0x1234
    assert last_piece(trip, new_station(), misbehaving("wrong_version", SETUP, 1))[:2] == b"\x02\xfd"
    ((kind, payload),) = frames(last_piece(trip, new_station(), misbehaving("undecodable_exi", SETUP, 1)))
    with pytest.raises(ExiError):
        decode(NS_DC, payload)
    noise = last_piece(trip, new_station(), misbehaving("random_bytes", SETUP, 1, value=100))
    assert len(noise) == 100
    assert noise == last_piece(trip, new_station(), misbehaving("random_bytes", SETUP, 1, value=100))
    giant = last_piece(trip, new_station(), misbehaving("length_1_GB", SETUP, 1))
    assert struct.unpack(">I", giant[4:8])[0] == 1 << 30
    assert len(giant) == HEADER.size + 64


def test_half_a_frame_is_followed_by_silence_until_the_station_closes(trip: Any, new_station: Any) -> None:
    session = trip(misbehaving("half_frame", SETUP, 1), new_station())
    car = session.run()
    assert (
        car.progress.error
        == "as planned: half_frame at AuthorizationSetupReq; the station did not close the connection"
    )
    assert session.now_s >= 220.0
    tail = session.received[session.received.rindex(b"\x01\xfe\x80\x02") :]
    length = HEADER.unpack_from(tail)[3]
    assert len(tail) == (HEADER.size + length) // 2


def test_a_trailing_zero_within_the_payload(trip: Any, new_station: Any) -> None:
    station = new_station()
    car = trip(misbehaving("trailing_zero"), station).run()
    assert car.progress.error == "connection lost after DC_ChargeLoopReq: closed"  # this station takes no such padding


def test_a_slow_loris_sends_a_byte_each_100_ms(trip: Any, new_station: Any) -> None:
    session = trip(misbehaving("slow_loris", SETUP, 1), new_station())
    car = session.run(loops=1)
    assert car.progress.error is None
    gaps = [b - a for a, b in itertools.pairwise(session.sent_at_s)]
    assert sum(1 for gap in gaps if gap == pytest.approx(0.1)) >= 20


@pytest.mark.parametrize("times", [2, 5])
def test_a_request_repeated_without_awaiting(trip: Any, new_station: Any, times: int) -> None:
    station = new_station()
    car = trip(misbehaving("repeated", value=times), station).run(loops=6)
    assert (car.progress.error, car.violations) == (None, [])
    assert len(station.seen_loops()) == 6 + times - 1


# -- conduct ----------------------------------------------------------------------------------------------------------


def test_silence_waits_for_the_station(trip: Any, new_station: Any) -> None:
    car = trip(misbehaving("silence"), new_station()).run()
    assert car.progress.error == "as planned: silence at DC_ChargeLoopReq; the station did not close the connection"


@pytest.mark.parametrize(("what", "reset"), [("tcp_reset", True), ("fin", False)])
def test_the_connection_ends_instead_of_a_request(trip: Any, new_station: Any, what: str, reset: bool) -> None:
    session = trip(misbehaving(what), new_station())
    car = session.run()
    assert car.progress.error == f"as planned: {what} at DC_ChargeLoopReq"
    assert session.station.counts[LOOP] == 2
    ends = [o for o in session.body.history if isinstance(o, OrderDisconnection)]
    assert ends == [OrderDisconnection(reset=reset)]
    assert session.body.history[-2:] == [OrderContactors(closed=False), OrderPilot("B")]


@pytest.mark.parametrize("refused", [True, False])
def test_another_request_instead(trip: Any, new_station: Any, refused: bool) -> None:
    codes = {("ServiceDiscoveryReq", 2): ResponseCode.FAILED_SequenceError} if refused else {}
    station = new_station(codes=codes)
    car = trip(misbehaving("other_request", value="ServiceDiscoveryReq"), station).run()
    accepted = "ServiceDiscoveryReq answered with OK out of its order"
    assert car.progress.error == ("ServiceDiscoveryRes: FAILED_SequenceError" if refused else accepted)
    assert car.violations == ([] if refused else [accepted])
    assert type(station.seen[-1]).__name__ == "ServiceDiscoveryReq"


def test_an_app_protocol_request_within_the_session(trip: Any, new_station: Any) -> None:
    session = trip(misbehaving("late_app_protocol"), new_station())
    session.run(until_s=20.0)
    assert session.car.log.requests("supportedAppProtocolReq")[1:]
    assert frames(session.received)[-1][0] == PayloadType.EXI_SAP


def test_a_loop_faster_than_its_answers(trip: Any, new_station: Any) -> None:
    session = trip(misbehaving("not_awaiting", nth=3, always=True, value=0.001), new_station())
    session.run(until_s=3.0)
    at_s = [e.at_s for e in session.car.log.entries if e.direction == ">" and e.name == LOOP]
    gaps = [b - a for a, b in itertools.pairwise(at_s[2:])]
    assert len(gaps) > 100
    assert max(gaps) == pytest.approx(0.001)


# -- together ---------------------------------------------------------------------------------------------------------

DC_MESSAGES = [
    "supportedAppProtocolReq",
    "SessionSetupReq",
    "AuthorizationSetupReq",
    "AuthorizationReq",
    "ServiceDiscoveryReq",
    "ServiceDetailReq",
    "ServiceSelectionReq",
    "DC_ChargeParameterDiscoveryReq",
    "ScheduleExchangeReq",
    "DC_CableCheckReq",
    "DC_PreChargeReq",
    "PowerDeliveryReq",
    "DC_ChargeLoopReq",
    "DC_WeldingDetectionReq",
    "SessionStopReq",
]
AC_MESSAGES = ["AC_ChargeParameterDiscoveryReq", "PowerDeliveryReq", "AC_ChargeLoopReq"]
VALUES = {"other_request": "DC_PreChargeReq"}


@pytest.mark.parametrize("what", list(KINDS))
@pytest.mark.parametrize(
    ("kind", "mode"), [("DC", "dynamic"), ("DC", "scheduled"), ("AC", "dynamic"), ("AC", "scheduled")]
)
def test_every_misbehaviour_at_every_message_ends_with_everything_open(
    trip: Any, new_station: Any, what: str, kind: str, mode: str
) -> None:
    for name in DC_MESSAGES if kind == "DC" else AC_MESSAGES:
        wrong = Misbehaviour(what, at=name, value=VALUES.get(what))
        plan = CarPlan(energy=(kind,), misbehaviours=(wrong,))
        session = trip(plan, new_station(services=(1, 5, 6)), CarSpec(control_mode=mode))
        car = session.run(until_s=400.0, loops=3)
        assert car.ended, (name, car.step)
        assert session.body.inlet.pilot == "B"
        assert session.body.contactors_closed is False
        assert session.body.inlet.charger_W == 0.0
        assert any(what in e.note for e in car.log.entries if e.direction == ">"), name


def test_misbehaviours_add_up(trip: Any, new_station: Any) -> None:
    both = (Misbehaviour("negative_limits", at=LOOP, nth=2), Misbehaviour("wrong_session_id", at=LOOP, nth=2))
    station = new_station()
    trip(CarPlan(misbehaviours=both), station).run()
    last = station.seen_loops()[-1]
    assert number(last.CLReqControlMode.EVMaximumChargePower) < 0
    assert last.Header.SessionID == b"\xa4" * 8


def test_a_kind_that_does_not_exist_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="what = 'sing'"):
        Misbehaviour("sing")
    with pytest.raises(ValueError, match="nth = 0: at least 1"):
        Misbehaviour("fin", nth=0)
    with pytest.raises(ValueError, match="class name"):
        Misbehaviour("other_request")
    assert replace(Misbehaviour("fin"), nth=2).hits("SessionSetupReq", 2)
