"""RationalNumber: nearest, in range, finite; percent and seconds within their types."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.messages.common_types import RationalNumber
from chargepoint.iso15118.rational import maybe, number, percent, rational, seconds

EXPONENTS = st.integers(-128, 127)
VALUES = st.integers(-32768, 32767)


@given(st.floats(-1e12, 1e12))
def test_the_nearest_number_of_its_exponent(value: float) -> None:
    wire = rational(value)
    assert -3 <= wire.Exponent <= 127
    assert abs(wire.Value) <= 32767
    # half a step of the coarsest exponent that could be needed: a thousandth, or the fifth digit
    assert abs(number(wire) - value) <= max(0.000501, abs(value) * 0.5 / 3276)
    assert number(wire) * value >= 0 or abs(value) <= 0.0005


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_has_a_place_on_the_wire(value: float) -> None:
    wire = rational(value)
    assert -128 <= wire.Exponent <= 127
    assert -32768 <= wire.Value <= 32767
    assert math.isfinite(number(wire))


@given(EXPONENTS, VALUES)
def test_every_number_of_the_wire_is_finite(exponent: int, value: int) -> None:
    assert math.isfinite(number(RationalNumber(Exponent=exponent, Value=value)))


@given(st.integers(-3, 3), st.integers(-32767, 32767))
def test_what_fits_comes_back(exponent: int, value: int) -> None:
    sent = number(RationalNumber(Exponent=exponent, Value=value))
    assert number(rational(sent)) == pytest.approx(sent, rel=1e-12, abs=1e-12)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_order_is_kept(one: float, other: float) -> None:
    if one <= other:
        assert number(rational(one)) <= number(rational(other))


@pytest.mark.parametrize(
    ("value", "exponent", "wire"),
    [
        (400, 0, 400),
        (401.5, -1, 4015),
        (0, 0, 0),
        (22_000, 0, 22_000),
        (50_000, 1, 5000),
        (-0.25, -2, -25),
        (1e6, 2, 10_000),
    ],
)
def test_numbers_a_person_can_read(value: float, exponent: int, wire: int) -> None:
    assert (rational(value).Exponent, rational(value).Value) == (exponent, wire)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_no_rational(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        rational(value)


def test_what_was_not_sent_stays_unknown() -> None:
    assert maybe(None) is None
    assert maybe(RationalNumber(Exponent=-1, Value=15)) == 1.5


@given(st.floats(allow_nan=False))
def test_percent_and_seconds_fit_their_types(value: float) -> None:
    assert 0 <= percent(value) <= 100
    assert 0 <= seconds(value) <= 4294967295
