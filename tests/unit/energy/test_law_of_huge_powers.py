"""A law with absurd powers: an error never becomes a number, and no number becomes an error."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import FrequencyWattLaw
from chargepoint.model.limits import Interval

HUGE_W = sys.float_info.max
LIMITS = Interval(-11_000.0, 11_000.0)


@pytest.mark.parametrize("frequency_Hz", [49.0, 49.5, 50.0, 50.5, 51.0])
def test_the_middle_between_two_huge_powers_is_a_number(frequency_Hz: float) -> None:
    law = FrequencyWattLaw(0.0, ((49.0, -HUGE_W), (50.0, HUGE_W), (51.0, -HUGE_W)))
    power_W = law.power_at(frequency_Hz)
    assert power_W is not None and not math.isnan(power_W)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
    st.floats(48.0, 52.0),
)
def test_within_the_limits_any_law_is_a_finite_power(
    baseline_W: float, powers_W: list[float], frequency_Hz: float
) -> None:
    law = FrequencyWattLaw(baseline_W, tuple(zip((49.0, 50.0, 51.0), powers_W, strict=True)))
    power_W = law.power_at(frequency_Hz)
    assert power_W is not None and LIMITS.clamp(power_W) in LIMITS
