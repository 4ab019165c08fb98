"""The frequency that counts: outliers, gaps, age and nonsense."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.power.grid_frequency import MAX_AGE_S, PLAUSIBLE_HZ, GridFrequency


def test_before_the_first_reading_nothing_is_known() -> None:
    assert GridFrequency().at(0.0) is None


@pytest.mark.parametrize("outlier_Hz", [41.0, 69.0])
def test_one_outlier_changes_nothing(outlier_Hz: float) -> None:
    frequency = GridFrequency()
    for tick, reading_Hz in enumerate([50.0, 50.01, outlier_Hz]):
        frequency.note(reading_Hz, tick * 0.1)
    assert frequency.at(0.2) in (50.0, 50.01)


@pytest.mark.parametrize("reading_Hz", [0.0, -50.0, 500.0, math.nan, math.inf, None])
def test_what_is_no_frequency_is_none(reading_Hz: float | None) -> None:
    frequency = GridFrequency()
    frequency.note(reading_Hz, 1.0)
    assert frequency.at(1.0) is None


def test_an_old_reading_is_none_and_does_not_count_after_the_gap() -> None:
    frequency = GridFrequency()
    frequency.note(49.0, 0.0)
    frequency.note(49.0, 0.1)
    assert frequency.at(0.1 + MAX_AGE_S) == 49.0
    assert frequency.at(0.2 + MAX_AGE_S) is None
    frequency.note(50.0, 5.0)
    assert frequency.at(5.0) == 50.0


def test_the_same_reading_twice_is_one() -> None:
    frequency = GridFrequency()
    frequency.note(50.0, 0.0)
    for _ in range(3):
        frequency.note(49.0, 0.1)
    frequency.note(50.0, 0.2)
    assert frequency.at(0.2) == 50.0


@given(st.lists(st.floats(*PLAUSIBLE_HZ), min_size=1, max_size=10))
def test_the_value_is_one_that_was_read_lately(readings: list[float]) -> None:
    frequency = GridFrequency()
    for tick, reading_Hz in enumerate(readings):
        frequency.note(reading_Hz, tick * 0.1)
    lately = readings[-3:]
    assert min(lately) <= (frequency.at(len(readings) * 0.1) or 0.0) <= max(lately)
