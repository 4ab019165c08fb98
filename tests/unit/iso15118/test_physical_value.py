"""PhysicalValue to and from floats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118 import physical_value
from chargepoint.iso15118.messages.din70121 import PhysicalValue as DinValue
from chargepoint.iso15118.messages.iso15118_2 import PhysicalValue, UnitSymbol


@given(st.floats(-physical_value.LARGEST, physical_value.LARGEST))
def test_a_number_survives_the_wire_within_its_digits(value: float) -> None:
    multiplier, scaled = physical_value.scaled(value)
    assert -3 <= multiplier <= 3
    assert abs(scaled) <= 32_767
    back = physical_value.number(PhysicalValue(Multiplier=multiplier, Unit=UnitSymbol.W, Value=scaled))
    assert abs(back - value) <= max(0.0005, abs(value) / 6_000)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (0.0, (0, 0)),
        (400.0, (0, 400)),
        (11_040.0, (0, 11_040)),
        (390.5, (-1, 3905)),
        (50_000.0, (1, 5000)),
        (1e12, (3, 32_767)),
    ],
)
def test_numbers_of_the_field(value: float, wire: tuple[int, int]) -> None:
    assert physical_value.scaled(value) == wire


def test_a_profile_equals_its_schedule_to_the_watt() -> None:
    assert physical_value.number(DinValue(Multiplier=2, Value=110)) == 11_000
    assert physical_value.number(DinValue(Multiplier=-1, Value=3)) == 0.3


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        physical_value.scaled(float("nan"))
