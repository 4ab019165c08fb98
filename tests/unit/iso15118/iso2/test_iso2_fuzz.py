"""Whatever a car of ISO 15118-2 sends, in whatever state: the station answers or ends with a reason, and never raises."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.iso15118.exi.codec import ExiError, encode
from chargepoint.iso15118.iso2.rows import ROWS
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.datatypes import Bounds, SchemaEnum
from chargepoint.iso15118.messages.iso15118_2 import PhysicalValue, UnitSymbol
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded, SessionEnd
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.iso2.car import BEFORE, Iso2Car
from tests.unit.iso15118.iso2.test_iso2_certificates import InstallingCar
from tests.unit.iso15118.iso2.test_iso2_contracts import ContractCar, charging

pytestmark = pytest.mark.slow

PLACES = [(ac, state) for ac in (False, True) for state in BEFORE[ac]]
NUMBERS = st.builds(
    PhysicalValue,
    Multiplier=st.integers(-3, 3),
    Unit=st.sampled_from(UnitSymbol),
    Value=st.sampled_from([-32768, -1, 0, 1, 400, 32767]) | st.integers(-32768, 32767),
)
ROOMY = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def ends_well(car: Iso2Car) -> None:
    """At most one end, with a reason."""
    ends = car.learned(CarSessionEnded)
    assert len(ends) == (1 if car.secc.ended else 0)
    if ends and ends[0].end is SessionEnd.PROTOCOL_ERROR:
        assert ends[0].detail


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a message's field that the codec would take, absurd numbers preferred."""
    metadata = getattr(hint, "__metadata__", ())
    bare = hint.__origin__ if metadata else hint
    if get_origin(bare) in (Union, UnionType):
        return st.one_of([any_of(arm) for arm in get_args(bare)])
    if get_origin(bare) is tuple:
        return st.lists(any_of(get_args(bare)[0]), min_size=1, max_size=3).map(tuple)
    if bare is type(None):
        return st.none()
    if bare is PhysicalValue:
        return NUMBERS
    if isinstance(bare, type) and issubclass(bare, SchemaEnum):
        return st.sampled_from(list(bare))
    if bare is bool:
        return st.booleans()
    if bare is int:
        bounds = next((m for m in metadata if isinstance(m, Bounds)), Bounds(0, 255))
        low, high = bounds.low or 0, 255 if bounds.high is None else bounds.high
        return st.sampled_from(sorted({low, high})) | st.integers(low, high)
    if bare is str:
        return st.text(max_size=12)
    if bare is bytes:
        return st.binary(max_size=8)
    return st.builds(bare, **{name: any_of(field) for name, field in _hints(bare).items()})


@ROOMY
@given(place=st.sampled_from(PLACES), kind=st.sampled_from(sorted(ROWS, key=lambda k: k.__name__)), data=st.data())
def test_decodable_messages_with_absurd_content_anywhere(
    place: tuple[bool, Any], kind: type, data: st.DataObject
) -> None:
    """Each answer is decoded by the car: its mandatory fields are there."""
    car = Iso2Car(ac=place[0]).reach(place[1])
    body = data.draw(any_of(kind))
    try:
        encode(car.message(body))
    except ExiError:  # alternatives of which one is set, say
        return
    answers = car.send(body) + car.see(stage=Stage.TRANSFER) + car.wait(5.0)
    assert [type(answer).__name__ for answer in answers] == [kind.__name__.removesuffix("Req") + "Res"]
    ends_well(car)


@ROOMY
@given(place=st.sampled_from(PLACES), data=st.binary(max_size=80))
def test_random_payloads_anywhere(place: tuple[bool, Any], data: bytes) -> None:
    car = Iso2Car(ac=place[0]).reach(place[1])
    car.send_bytes(frame(PayloadType.EXI_SAP, b"\x80" + data))
    car.wait(5.0)
    ends_well(car)


@ROOMY
@given(place=st.sampled_from(PLACES), at=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.integers(0, 4))
def test_mutated_requests_anywhere(place: tuple[bool, Any], at: int, bit: int, cut: int) -> None:
    car = Iso2Car(ac=place[0]).reach(place[1])
    data = bytearray(encode(car.message(car.request(place[1]))))
    data[at % len(data)] ^= 1 << bit
    car.send_bytes(frame(PayloadType.EXI_SAP, bytes(data[: len(data) - cut])))
    car.wait(5.0)
    ends_well(car)


def in_payment_details() -> Iso2Car:
    return InstallingCar()


def awaiting_a_receipt() -> Iso2Car:
    car = charging()
    car.wish(Wish.METERING_CONFIRMATION)
    car.loop()
    assert car.state is Iso2State.METERING_RECEIPT
    return car


def awaiting_a_decision() -> Iso2Car:
    car = ContractCar()
    car.see(authorized=None)
    car.authorization(car.show().GenChallenge)
    return car


@ROOMY
@given(
    make=st.sampled_from([in_payment_details, awaiting_a_receipt, awaiting_a_decision]),
    kind=st.sampled_from(sorted(ROWS, key=lambda k: k.__name__)),
    data=st.data(),
)
def test_decodable_messages_with_absurd_content_in_a_session_with_a_contract(
    make: Callable[[], Iso2Car], kind: type, data: st.DataObject
) -> None:
    car = make()
    body = data.draw(any_of(kind))
    try:
        encode(car.message(body))
    except ExiError:
        return
    answers = car.send(body) + car.see(stage=Stage.TRANSFER) + car.wait(5.0)
    assert [type(answer).__name__ for answer in answers] == [kind.__name__.removesuffix("Req") + "Res"]
    ends_well(car)
