"""Shares of one order: sums, limits, fairness, monotony."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.power_module.sharing import Sharer, shares

A = st.floats(0.0, 500.0)


@st.composite
def sharers(draw: st.DrawFn) -> list[Sharer]:
    count = draw(st.integers(1, 8))
    return [
        Sharer(f"m{i}", draw(st.one_of(st.just(0.0), st.floats(0.5, 200.0))), draw(st.one_of(st.just(0.0), A)))
        for i in range(count)
    ]


def counted_A(given_A: dict[str, float], everyone: list[Sharer]) -> float:
    return sum(max(given_A[sharer.name], sharer.may_flow_A) for sharer in everyone)


@given(A, sharers())
def test_limits_and_sums_hold(total_A: float, everyone: list[Sharer]) -> None:
    result = shares(total_A, everyone)
    assert all(0.0 <= result[sharer.name] <= sharer.limit_A + 1e-9 for sharer in everyone)
    assert sum(result.values()) <= total_A + 1e-6
    before_A = sum(sharer.may_flow_A for sharer in everyone)
    assert counted_A(result, everyone) <= max(total_A, before_A) + 1e-6


@given(A, A, sharers())
def test_more_in_all_lowers_no_share(one_A: float, other_A: float, everyone: list[Sharer]) -> None:
    less, more = shares(min(one_A, other_A), everyone), shares(max(one_A, other_A), everyone)
    assert all(less[name] <= more[name] + 1e-6 for name in less)


@given(A, sharers(), A)
def test_a_silent_module_that_may_drive_more_raises_no_share(
    total_A: float, everyone: list[Sharer], silent_A: float
) -> None:
    without = shares(total_A, everyone)
    beside = shares(total_A, [*everyone, Sharer("silent", 0.0, silent_A)])
    assert all(beside[name] <= without[name] + 1e-6 for name in without)


@given(A, st.lists(st.floats(0.5, 200.0), min_size=1, max_size=8))
def test_at_rest_all_get_the_same_part_of_their_rating_and_the_sum_is_what_was_ordered(
    total_A: float, limits_A: list[float]
) -> None:
    everyone = [Sharer(f"m{i}", limit_A) for i, limit_A in enumerate(limits_A)]
    result = shares(total_A, everyone)
    assert sum(result.values()) == pytest.approx(min(total_A, sum(limits_A)))
    parts = [result[sharer.name] / sharer.limit_A for sharer in everyone]
    assert max(parts) - min(parts) <= 1e-9


@given(A, st.lists(st.floats(1.0, 200.0), min_size=1, max_size=8), st.floats(0.0, 1.0))
def test_what_follows_its_orders_ends_at_equal_parts(total_A: float, limits_A: list[float], part: float) -> None:
    """Repeated with each module at what it was ordered, the shares settle where nothing was in the way."""
    everyone = [Sharer(f"m{i}", limit_A, part * limit_A * (i % 2)) for i, limit_A in enumerate(limits_A)]
    for _ in range(3):
        result = shares(total_A, everyone)
        everyone = [Sharer(sharer.name, sharer.limit_A, result[sharer.name]) for sharer in everyone]
    assert sum(result.values()) == pytest.approx(min(total_A, sum(limits_A)), abs=1e-6)


def test_three_ratings() -> None:
    assert shares(60.0, [Sharer("a", 20.0), Sharer("b", 40.0), Sharer("c", 60.0)]) == {"a": 10.0, "b": 20.0, "c": 30.0}


def test_the_rest_does_not_take_over_before_the_dead_one_is_known_to_be_off() -> None:
    silent, rest = Sharer("a", 0.0, 15.0), Sharer("b", 40.0, 15.0)
    assert shares(30.0, [silent, rest])["b"] == 15.0
    assert shares(30.0, [Sharer("a", 0.0, 0.0), rest])["b"] == 30.0
    assert shares(10.0, [silent, rest])["b"] == 0.0  # less than the silent one may drive: nothing is added to it


def test_one_that_lags_behind_a_lower_order_holds_the_other_back() -> None:
    assert shares(24.0, [Sharer("a", 40.0, 20.0), Sharer("b", 40.0, 4.0)]) == {"a": 12.0, "b": 4.0}
