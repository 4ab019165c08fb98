"""The pilot's duty cycle and the current that it names: each way, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.pilot_duty import duty_percent, named_current_A


@given(st.floats(6.0, 51.0) | st.floats(52.6, 80.0))
def test_a_shown_current_is_the_named_one(current_A: float) -> None:
    assert named_current_A(duty_percent(current_A)) == pytest.approx(current_A)


@given(st.floats(0.0, 100.0))
def test_no_duty_names_less_than_6_or_more_than_80_A(duty: float) -> None:
    named_A = named_current_A(duty)
    assert named_A is None or 6.0 <= named_A <= 80.0


@pytest.mark.parametrize(
    ("duty", "current_A"),
    [
        (5.0, None),
        (7.5, None),
        (8.0, 6.0),
        (10.0, 6.0),
        (26.7, 16.02),
        (85.0, 51.0),
        (96.0, 80.0),
        (97.0, 80.0),
        (97.5, None),
    ],
)
def test_the_code_points_of_the_table(duty: float, current_A: float | None) -> None:
    assert named_current_A(duty) == (None if current_A is None else pytest.approx(current_A))
