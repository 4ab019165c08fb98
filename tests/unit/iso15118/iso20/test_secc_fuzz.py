"""Whatever bytes a car sends, at whatever point of a session: the engine answers or ends with a reason, and never raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.energy.sources import of_car
from chargepoint.evse.session import EvseSession
from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import MessageHeader, RationalNumber
from chargepoint.iso15118.v2gtp import frame
from chargepoint.model.car import CarDemandChanged, CarSessionEnded, ControlMode, SessionEnd
from chargepoint.model.commands import StartTransaction
from chargepoint.model.demand import Phase, Setpoint, Source
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, MeterRegisters, Stage
from chargepoint.model.limits import Interval
from chargepoint.power.link_codec import decode_down, encode_down
from tests.unit.iso15118.any_message import any_of, fits
from tests.unit.iso15118.iso20.conftest import ALLOWED, ALWAYS

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar

pytestmark = pytest.mark.slow


NewCar = Callable[..., "ScriptedCar"]
STATES = [state for state in State if state is not State.ENDED]
KINDS = [0x8001, 0x8002, 0x8004]
ROOMY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
EXTREMES = st.one_of(
    st.builds(
        RationalNumber,
        Exponent=st.sampled_from([-128, -3, 0, 3, 127]),
        Value=st.sampled_from([-32768, -1, 0, 1, 400, 32767]),
    ),
    st.builds(RationalNumber, Exponent=st.integers(-128, 127), Value=st.integers(-32768, 32767)),
)


def ends_well(car: ScriptedCar) -> None:
    """At most one end, with a reason; no numbers that are none in what the station learned."""
    ends = [e for e in car.events if isinstance(e, CarSessionEnded)]
    assert len(ends) == (1 if car.secc.ended else 0)
    if ends and ends[0].end is SessionEnd.PROTOCOL_ERROR:
        assert ends[0].detail


def of_iso20(hint: Any, head: MessageHeader) -> st.SearchStrategy[Any]:
    """Any value of a field of -20, with this header and absurd numbers."""
    return any_of(hint, {MessageHeader: st.just(head), RationalNumber: EXTREMES})


@ROOMY
@given(state=st.sampled_from(STATES), data=st.binary(max_size=80), kind=st.sampled_from(KINDS))
def test_random_payloads_anywhere(new_car: NewCar, state: State, data: bytes, kind: int) -> None:
    car = new_car().reach(state)
    car.send_bytes(frame(kind, b"\x80" + data))
    ends_well(car)


@ROOMY
@given(state=st.sampled_from(STATES), data=st.binary(max_size=80))
def test_random_bytes_anywhere(new_car: NewCar, state: State, data: bytes) -> None:
    car = new_car().reach(state)
    car.send_bytes(data)
    if len(data) >= 8 and data[:2] != b"\x01\xfe":
        assert car.secc.ended
        assert "V2GTP" in car.events[-1].detail
    ends_well(car)


@ROOMY
@given(
    state=st.sampled_from(STATES),
    mode=st.sampled_from(list(ControlMode)),
    at=st.integers(0, 10_000),
    bit=st.integers(0, 7),
    cut=st.integers(0, 4),
    extra=st.binary(max_size=6),
)
def test_mutated_frames_anywhere(
    new_car: NewCar, state: State, mode: ControlMode, at: int, bit: int, cut: int, extra: bytes
) -> None:
    car = new_car(mode).reach(state)
    kind = sorted(ALLOWED[state] | ALWAYS, key=lambda k: k.__name__)[at % (len(ALLOWED[state]) + 1)]
    data = bytearray(encode(car.request(kind)))
    data[at % len(data)] ^= 1 << bit
    data = data[: len(data) - cut] + extra
    car.send_bytes(frame(0x8004 if kind.__module__.endswith(".dc") else 0x8002, bytes(data)))
    car.wait(2.0)
    ends_well(car)


def test_a_length_too_long_ends_with_its_bound(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DETAIL)
    car.send_bytes(bytes.fromhex("01fe8002ffffffff"))
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR
    assert "65536" in car.events[-1].detail


def test_an_empty_payload_ends_with_a_reason(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DETAIL)
    car.send_bytes(frame(0x8002, b""))
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR
    assert "undecodable" in car.events[-1].detail


ABSURD = [
    (State.SESSION_SETUP, cm.SessionSetupReq),
    (State.AUTHORIZATION, cm.AuthorizationReq),
    (State.SERVICE_DISCOVERY, cm.ServiceDiscoveryReq),
    (State.SERVICE_SELECTION, cm.ServiceDetailReq),
    (State.SERVICE_SELECTION, cm.ServiceSelectionReq),
    (State.CHARGE_PARAMETER_DISCOVERY, dc.DC_ChargeParameterDiscoveryReq),
    (State.SCHEDULE_EXCHANGE, cm.ScheduleExchangeReq),
    (State.PRE_CHARGE, dc.DC_PreChargeReq),
    (State.POWER_DELIVERY, cm.PowerDeliveryReq),
    (State.CHARGE_LOOP, dc.DC_ChargeLoopReq),
    (State.CHARGE_LOOP, cm.PowerDeliveryReq),
    (State.WELDING_DETECTION, dc.DC_WeldingDetectionReq),
    (State.SESSION_STOP, cm.SessionStopReq),
]


@pytest.mark.parametrize(("state", "kind"), ABSURD, ids=[f"{s.value}-{k.__name__}" for s, k in ABSURD])
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_decodable_messages_with_absurd_content(new_car: NewCar, state: State, kind: type, data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(list(ControlMode)))
    car = new_car(mode, data.draw(st.booleans())).reach(state)
    message = data.draw(of_iso20(kind, car.header()).filter(fits))
    answers = car.send(message) + car.see(stage=Stage.TRANSFER) + car.wait(2.0)
    assert [type(a).__name__ for a in answers] == [kind.__name__.removesuffix("Req") + "Res"]
    ends_well(car)


@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data(), mode=st.sampled_from(list(ControlMode)), bidirectional=st.booleans())
def test_absurd_demands_never_pass_the_ratings(
    new_car: NewCar, data: st.DataObject, mode: ControlMode, bidirectional: bool
) -> None:
    """What a car announces and asks, however large, reaches the power stage inside its ratings, and the link's codec."""
    car = new_car(mode, bidirectional).reach(State.CHARGE_PARAMETER_DISCOVERY)
    head, name = car.header(), f"{'BPT_' if bidirectional else ''}{mode.value.capitalize()}_DC_CLReqControlMode"
    announced = ("EVMaximumChargePower", "EVMaximumChargeCurrent", "EVMaximumDischargeCurrent")[
        : 3 if bidirectional else 2
    ]
    answer = car.ask(car.charge_parameters(**{field: data.draw(EXTREMES) for field in announced}))
    if car.secc.ended:
        return
    assert answer.ResponseCode.value == "OK"
    for state in (State.SCHEDULE_EXCHANGE, State.CABLE_CHECK, State.PRE_CHARGE):
        car.step(state)
    car.send(car.power_delivery(profile_W=(0,)))
    car.see(stage=Stage.TRANSFER)
    car.ask(car.charge_loop(data.draw(of_iso20(getattr(dc, name), head))))
    session = EvseSession(
        EvseId(1),
        authorize_everybody=False,
        lease_s=0.5,
        ev_connection_timeout_s=lambda: 60.0,
        new_transaction_id=lambda: TransactionId("tx"),
    )
    session.feed(_image(car), car.t)
    session.feed(StartTransaction(EvseId(1), IdToken("A", IdTokenType.LOCAL), None, False), car.t)
    for event in car.events:
        session.feed(event, car.t)
    assert isinstance(car.events[-1], CarDemandChanged)
    setpoint = Setpoint(EvseId(1), 5000.0, Interval(-20_000, 22_000), Source.CSMS, None, "5 kW", 1e9)
    order = session.stage_demand(setpoint, car.t)
    assert order.phase is Phase.TRANSFER
    assert decode_down(encode_down(order)) == order
    limits = order.dc.limits
    assert 0 <= limits.charge_current_max_A <= 32
    assert 0 <= limits.discharge_current_max_A <= (30 if bidirectional else 0)
    assert 0 <= limits.voltage_max_V <= 450
    assert 0 <= order.dc.voltage_target_V <= 1000
    assert 0 <= limits.voltage_min_V <= 1000
    asked = session.view.car
    assert asked is not None
    for said in of_car(asked, 400.0):
        assert said.limits_W is None or said.limits_W.low <= 0 <= said.limits_W.high
    snapshot = json.dumps(asdict(asked.energy), allow_nan=False)
    assert "soc_percent" in snapshot


def _image(car: ScriptedCar) -> EvseImage:
    return EvseImage(
        evse_id=EvseId(1), seq=1, taken_at_s=car.t, demand_seq=0, phase=Phase.TRANSFER, stage=Stage.TRANSFER,
        pilot=ControlPilot.C, duty_percent=5.0, contactor=Contactor.CLOSED, lock=Lock.LOCKED, voltage_V=400.0,
        current_A=0.0, applied_W=0.0, target_W=0.0, limited_by_stage="", insulation_ohm=1e6,
        meter=MeterRegisters(1.0, 1.0, 400.0, 0.0, 0.0, car.t), temperature_degC=30.0,
        capabilities=car.inputs.capabilities, faults=frozenset(), permitted=True,
    )  # fmt: skip


def test_a_state_of_charge_above_100_percent_is_not_believed(new_car: NewCar) -> None:
    """percentValueType travels in seven bits; 101 to 127 fit them, but mean nothing."""
    believed = []
    for percent in range(128):
        car = new_car().reach(State.CHARGE_LOOP)
        low, high = encode(car.charge_loop(soc=0)), encode(car.charge_loop(soc=100))
        place = (int.from_bytes(low, "big") ^ int.from_bytes(high, "big")).bit_length() - 7  # 100 is 1100100
        changed = int.from_bytes(low, "big") | percent << place
        car.send_bytes(frame(0x8004, changed.to_bytes(len(low), "big")))
        if not car.secc.ended:
            believed.append(car.demands()[-1].energy.soc_percent)
    assert believed == list(range(101))
