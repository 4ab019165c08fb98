"""Curves: held values, and thinning that loses no extreme."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hil.report.curves import KEPT_PER_COLUMN, HeldCurve, curve_of, side_by_side, thinned
from tests.unit.hil.report.report_samples import record_of, value

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=400)


def curve(values: list[float | None]) -> HeldCurve:
    return HeldCurve(tuple(float(index) for index in range(len(values))), tuple(values))


@given(VALUES, st.integers(1, 30))
def test_each_column_keeps_its_extremes_and_its_last_value(values: list[float | None], columns: int) -> None:
    end_s = float(len(values))
    short = thinned(curve(values), columns, end_s)
    for column in range(columns):
        inside = [index for index in range(len(values)) if min(columns - 1, int(index / end_s * columns)) == column]
        kept = [
            (int(at_s), held) for at_s, held in zip(short.times_s, short.values, strict=True) if int(at_s) in inside
        ]
        before = [held for index in inside if (held := values[index]) is not None]
        after = [held for _, held in kept if held is not None]
        assert (min(before, default=None), max(before, default=None)) == (
            min(after, default=None),
            max(after, default=None),
        )
        if inside:
            assert kept[-1] == (inside[-1], values[inside[-1]])
            assert any(values[index] is None for index in inside) == any(held is None for _, held in kept)


@given(VALUES, st.integers(1, 30))
def test_thinned_is_short_in_order_and_invents_nothing(values: list[float | None], columns: int) -> None:
    whole = curve(values)
    short = thinned(whole, columns, float(len(values)))
    assert len(short.times_s) <= KEPT_PER_COLUMN * columns
    assert list(short.times_s) == sorted(set(short.times_s))
    assert all(values[int(at_s)] == held for at_s, held in zip(short.times_s, short.values, strict=True))
    assert short.left_out == len(values) - len(short.times_s)


def test_a_spike_of_one_value_survives_among_a_hundred_thousand() -> None:
    values: list[float | None] = [400.0] * 100_000
    values[70_001] = 612.5
    short = thinned(curve(values), 900, 100_000.0)
    assert 612.5 in short.values
    assert short.times_s[short.values.index(612.5)] == 70_001.0


def test_what_is_no_number_is_unknown() -> None:
    words = record_of(value(0.0, "power_W", 1.0), value(1.0, "power_W", "much"), value(2.0, "power_W", math.nan))
    assert curve_of(words, "power_W", 1).values == (1.0, None, None)
    assert curve_of(record_of(value(0.0, "power_W", True)), "power_W", 1).values == (None,)


def test_the_last_value_is_drawn_until_the_end_of_the_record() -> None:
    record = record_of(value(0.0, "power_W", 5.0), value(9.0, "stage", "OFF"))
    assert curve_of(record, "power_W", 1, 1e-3) == HeldCurve((0.0, 9.0), (0.005, 0.005))


def test_curves_side_by_side_hold_their_values() -> None:
    times_s, columns = side_by_side([HeldCurve((0.0, 2.0), (1.0, 3.0)), HeldCurve((1.0, 2.0), (10.0, None))])
    assert times_s == [0.0, 1.0, 2.0]
    assert columns == [[1.0, 1.0, 3.0], [None, 10.0, None]]
