"""The frequency-watt law: baseline plus curve, ends held, nothing without a frequency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import FrequencyWattLaw

FCR = FrequencyWattLaw(1000.0, ((49.8, -10_000.0), (49.99, 0.0), (50.01, 0.0), (50.2, 10_000.0)))


@pytest.mark.parametrize(
    ("frequency_Hz", "watts"),
    [
        (45.0, -9000.0),
        (49.8, -9000.0),
        (49.895, -4000.0),
        (49.99, 1000.0),
        (50.0, 1000.0),
        (50.105, 6000.0),
        (50.2, 11_000.0),
        (55.0, 11_000.0),
    ],
)
def test_baseline_and_curve(frequency_Hz: float, watts: float) -> None:
    assert FCR.power_at(frequency_Hz) == pytest.approx(watts)


def test_without_a_frequency_there_is_no_power() -> None:
    assert FCR.power_at(None) is None


@given(st.floats(40, 60))
def test_never_beyond_the_curves_own_ends(frequency_Hz: float) -> None:
    watts = FCR.power_at(frequency_Hz)
    assert watts is not None
    assert -9000.0 <= watts <= 11_000.0


@pytest.mark.parametrize("points", [(), ((50.0, 1.0),), ((50.0, 1.0), (50.0, 2.0)), ((51.0, 1.0), (50.0, 2.0))])
def test_a_curve_needs_two_points_with_rising_frequencies(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="two points"):
        FrequencyWattLaw(0.0, points)
