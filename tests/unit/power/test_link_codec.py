"""The bytes of the power link: every message there and back; whatever else arrives is a LinkError and nothing else."""

import contextlib
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import AcOrder, DcOrder, FrequencyWattLaw, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    BusHealth,
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.limits import Interval, PowerLimits
from chargepoint.power.link_codec import (
    AC_CURRENT_MAX_A,
    LAW_POINTS_MAX,
    MESSAGE_MAX_BYTES,
    LinkError,
    ResetFaults,
    decode_down,
    decode_up,
    encode_down,
    encode_up,
)
from tests.joined.orders import changed, dc_order

number = st.floats(-1e6, 1e6)
magnitude = st.floats(0, 1e6)
volts = st.floats(0, 1500)
evse_ids = st.integers(1, 64).map(EvseId)
counter = st.integers(0, 2**32 - 1)
seq = st.integers(-1, 2**62)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, high = sorted((draw(number), draw(number)))
    return Interval(low, high)


@st.composite
def laws(draw: st.DrawFn) -> FrequencyWattLaw:
    frequencies = draw(st.lists(st.floats(40, 60), min_size=2, max_size=LAW_POINTS_MAX, unique=True))
    return FrequencyWattLaw(draw(number), tuple((f, draw(number)) for f in sorted(frequencies)))


demands = st.builds(
    StageDemand,
    evse_id=evse_ids,
    seq=seq,
    lease_s=magnitude,
    phase=st.sampled_from(Phase),
    pilot=st.sampled_from(PilotCommand),
    duty_percent=st.floats(0, 100),
    lock=st.booleans(),
    power_W=number,
    limits_W=intervals(),
    law=st.none() | laws(),
    order=st.builds(DcOrder, st.builds(PowerLimits, volts, volts, *[magnitude] * 4), volts)
    | st.builds(
        AcOrder,
        st.sampled_from([1, 3]).flatmap(lambda n: st.tuples(*[st.floats(0, AC_CURRENT_MAX_A)] * n)),
        st.none() | number,
    ),
)
images = st.builds(
    EvseImage,
    evse_id=evse_ids,
    seq=seq,
    taken_at_s=magnitude,
    demand_seq=seq,
    phase=st.sampled_from(Phase),
    stage=st.sampled_from(Stage),
    pilot=st.sampled_from(ControlPilot),
    duty_percent=st.none() | number,
    contactor=st.sampled_from(Contactor),
    lock=st.sampled_from(Lock),
    voltage_V=st.none() | number,
    current_A=st.none() | number,
    applied_W=number,
    target_W=number,
    limited_by_stage=st.text("abcdefghijklmnopqrstuvwxyz ", max_size=32),
    insulation_ohm=st.none() | number,
    meter=st.none() | st.builds(MeterRegisters, *[number] * 6),
    temperature_degC=st.none() | number,
    capabilities=st.none() | st.builds(StageCapabilities, *[number] * 6),
    faults=st.frozensets(st.sampled_from(FaultCode)),
    permitted=st.booleans(),
)
codes = st.sampled_from(FaultCode)
events = (
    st.builds(InterlockTripped, evse_ids, codes, magnitude, st.text(max_size=200))
    | st.builds(FaultCleared, evse_ids, codes, magnitude)
    | st.builds(TokenPresented, evse_ids, st.text("0123456789ABCDEF", max_size=64), magnitude)
)
health = st.builds(
    BusHealth, st.text("abc", max_size=20), *[counter] * 5, st.booleans(), st.text("abc: é", max_size=100)
)

DEMAND = StageDemand(
    EvseId(1),
    7,
    0.5,
    Phase.TRANSFER,
    PilotCommand.PWM,
    5.0,
    True,
    order=dc_order(450.0, 400.0, 300.0, 20.0, 20.0),
)


@given(demands | st.builds(ResetFaults, evse_ids, st.text("abcäöü €", min_size=1, max_size=15)))
def test_what_goes_down_arrives(message: Any) -> None:
    assert decode_down(encode_down(message)) == message


@given(images | events | health)
def test_what_goes_up_arrives(message: Any) -> None:
    assert decode_up(encode_up(message)) == message


@given(images)
def test_an_image_fits_one_message(image: EvseImage) -> None:
    assert len(encode_up(image)) <= MESSAGE_MAX_BYTES


def test_every_fault_has_its_own_bit() -> None:
    received = decode_up(encode_up(_image()))
    assert isinstance(received, EvseImage)
    image = replace(received, faults=frozenset(FaultCode))
    assert decode_up(encode_up(image)).faults == frozenset(FaultCode)  # type: ignore[union-attr]
    for code in FaultCode:
        only = replace(image, faults=frozenset({code}))
        assert decode_up(encode_up(only)).faults == {code}  # type: ignore[union-attr]


def test_a_detail_that_is_too_long_is_cut_and_still_arrives() -> None:
    event = InterlockTripped(EvseId(1), FaultCode.DOOR_OPEN, 1.0, "ü" * 5000)
    told = decode_up(encode_up(event))
    assert isinstance(told, InterlockTripped)
    assert told.detail == "ü" * 512


# -- what is refused -------------------------------------------------------------------------------------------------------

DOWN = [encode_down(DEMAND), encode_down(ResetFaults(EvseId(3), "central system"))]
UP: list[bytes] = []


def _image() -> EvseImage:
    return EvseImage(
        evse_id=EvseId(1),
        seq=1,
        taken_at_s=1.0,
        demand_seq=1,
        phase=Phase.TRANSFER,
        stage=Stage.TRANSFER,
        pilot=ControlPilot.C,
        duty_percent=5.0,
        contactor=Contactor.CLOSED,
        lock=Lock.LOCKED,
        voltage_V=400.0,
        current_A=10.0,
        applied_W=4000.0,
        target_W=4000.0,
        limited_by_stage="",
        insulation_ohm=1e6,
        meter=MeterRegisters(1.0, 2.0, 400.0, 10.0, 4000.0, 1.0),
        temperature_degC=30.0,
        capabilities=StageCapabilities(150, 920, 40, 40, 22e3, 20e3),
        faults=frozenset(),
        permitted=True,
    )


UP += [
    encode_up(_image()),
    encode_up(InterlockTripped(EvseId(1), FaultCode.DOOR_OPEN, 1.0, "door")),
    encode_up(FaultCleared(EvseId(1), FaultCode.DOOR_OPEN, 1.0)),
    encode_up(BusHealth("fast1", 1, 2, 3, 4, 5, True)),
]


@pytest.mark.parametrize("data", DOWN, ids=["demand", "reset"])
def test_every_truncation_of_an_order_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(LinkError):
            decode_down(data[:length])


def test_every_truncation_of_an_image_is_refused() -> None:
    for length in range(len(UP[0])):
        with pytest.raises(LinkError):
            decode_up(UP[0][:length])


@pytest.mark.parametrize("data", [*DOWN, UP[0]], ids=["demand", "reset", "image"])
def test_what_follows_a_message_is_refused(data: bytes) -> None:
    with pytest.raises(LinkError):
        (decode_up if data is UP[0] else decode_down)(data + b"\0")


@given(st.binary(max_size=5000))
def test_any_bytes_raise_a_link_error_at_most(data: bytes) -> None:
    for decode in (decode_down, decode_up):
        with contextlib.suppress(LinkError):
            decode(data)


@given(
    st.sampled_from(DOWN + UP), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_any_mutation_raises_a_link_error_at_most(data: bytes, changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(data)
    for place, value in changes:
        mutated[place % len(mutated)] = value
    with contextlib.suppress(LinkError):
        decode_down(bytes(mutated))
    with contextlib.suppress(LinkError):
        decode_up(bytes(mutated))


@given(st.integers(MESSAGE_MAX_BYTES + 1, 3 * MESSAGE_MAX_BYTES))
def test_oversized_is_refused_unread(length: int) -> None:
    with pytest.raises(LinkError, match="bytes"):
        decode_down(DOWN[0].ljust(length, b"\0"))


def test_another_build_is_told_apart() -> None:
    other = bytearray(DOWN[0])
    other[2] += 1
    with pytest.raises(LinkError, match="same build"):
        decode_down(bytes(other))


def test_an_image_is_no_order_and_an_order_no_image() -> None:
    with pytest.raises(LinkError):
        decode_down(UP[0])
    with pytest.raises(LinkError):
        decode_up(DOWN[0])


BAD_NUMBERS: list[dict[str, Any]] = [
    {name: value}
    for name in (
        "lease_s",
        "duty_percent",
        "voltage_limit_V",
        "voltage_target_V",
        "voltage_floor_V",
        "charge_current_limit_A",
        "discharge_current_limit_A",
        "power_W",
    )
    for value in (float("nan"), float("inf"), float("-inf"))
]
BAD_NUMBERS += [
    {"voltage_limit_V": 1500.1},
    {"voltage_target_V": -0.1},
    {"voltage_floor_V": -1.0},
    {"charge_current_limit_A": -1.0},
    {"discharge_current_limit_A": -1.0},
    {"limits_W": Interval(0.0, float("inf"))},
    {"limits_W": Interval(float("-inf"), 0.0)},
    {"law": FrequencyWattLaw(float("nan"), ((49.0, 0.0), (50.0, 1.0)))},
    {"law": FrequencyWattLaw(0.0, ((49.0, 0.0), (50.0, float("inf"))))},
]


@pytest.mark.parametrize("bad", BAD_NUMBERS, ids=str)
def test_an_order_with_a_number_out_of_bounds_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(LinkError):
        decode_down(encode_down(changed(DEMAND, **bad)))


def test_limits_the_wrong_way_round_are_refused() -> None:
    data = bytearray(encode_down(replace(DEMAND, limits_W=Interval(-1.0, 1.0))))
    data[-17:-1] = struct.pack("<2d", 5.0, -5.0)
    with pytest.raises(LinkError):
        decode_down(bytes(data))


def test_a_law_with_too_many_points_is_not_sent() -> None:
    law = FrequencyWattLaw(0.0, tuple((40.0 + n, 0.0) for n in range(LAW_POINTS_MAX + 1)))
    with pytest.raises(LinkError, match="at most 32"):
        encode_down(replace(DEMAND, law=law))


@pytest.mark.parametrize("field", ["taken_at_s", "applied_W", "target_W"])
def test_an_image_without_a_number_that_is_due_is_refused(field: str) -> None:
    with pytest.raises(LinkError, match="not known"):
        decode_up(encode_up(replace(_image(), **{field: float("nan")})))  # type: ignore[arg-type]


def test_half_a_meter_is_refused() -> None:
    half = MeterRegisters(1.0, 2.0, float("nan"), 10.0, 4000.0, 1.0)
    with pytest.raises(LinkError, match="not known"):
        decode_up(encode_up(replace(_image(), meter=half)))


def test_a_report_of_the_car_that_is_not_finite_is_refused() -> None:
    order = AcOrder.even(3, 16.0, float("inf"))
    with pytest.raises(LinkError, match="car_power_W"):
        decode_down(encode_down(replace(DEMAND, order=order)))
