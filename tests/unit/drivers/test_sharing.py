"""Shares of one order, and modules among EVSEs: sums, limits, fairness, monotony."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.power_module.sharing import Assignment, Sharer, StackModule, assign, shares

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


def stack(*serves: int | None, idle: bool = False, limit_A: float = 40.0) -> list[StackModule]:
    both = frozenset({1, 2})
    return [StackModule(f"m{i}", limit_A, both, evse, idle or evse is None) for i, evse in enumerate(serves)]


def test_an_evse_alone_gets_all_it_wants_and_no_more() -> None:
    result = assign({1: 70.0, 2: 0.0}, stack(None, None, None))
    assert sorted(str(evse) for evse in result.serves.values()) == ["1", "1", "None"]


def test_two_evses_share_three_modules_and_the_first_gives_one_back() -> None:
    result = assign({1: 120.0, 2: 120.0}, stack(1, 1, 1))
    assert len(result.release) == 1
    assert set(result.serves.values()) == {1}  # nothing moves while current may flow
    (released,) = result.release
    now_idle = [StackModule(m.name, m.limit_A, m.reaches, m.serves, m.name == released) for m in stack(1, 1, 1)]
    after = assign({1: 120.0, 2: 120.0}, now_idle)
    assert after.serves[released] == 2 and after.release == frozenset()


@pytest.mark.parametrize("serves", [(1, 1, 2), (1, 2, 2), (2, 1, 2)])
def test_nothing_moves_without_need(serves: tuple[int, ...]) -> None:
    result = assign({1: 120.0, 2: 120.0}, stack(*serves))
    assert result == Assignment({f"m{i}": evse for i, evse in enumerate(serves)}, frozenset())


def test_one_module_dies_under_both_and_the_one_with_the_least_gets_the_next() -> None:
    without = [m for m in stack(1, 1, 2) if m.name != "m2"]  # the only module of EVSE 2
    result = assign({1: 120.0, 2: 120.0}, without)
    assert len(result.release) == 1


def test_a_module_serves_only_whom_it_reaches() -> None:
    modules = [StackModule("a", 40.0, frozenset({1})), StackModule("b", 40.0, frozenset({1}))]
    assert set(assign({1: 40.0, 2: 40.0}, modules).serves.values()) == {1, None}


@given(
    st.dictionaries(st.integers(1, 3), st.floats(0.0, 300.0), min_size=1),
    st.lists(st.tuples(st.sampled_from([None, 1, 2, 3]), st.booleans()), max_size=7),
)
def test_fair_among_evses_with_equal_modules(wishes_A: dict[int, float], states: list[tuple[int | None, bool]]) -> None:
    every = frozenset({1, 2, 3})
    modules = [StackModule(f"m{i}", 40.0, every, serves, idle) for i, (serves, idle) in enumerate(states)]
    result = assign(wishes_A, modules)
    for module in modules:
        if module.serves is not None and not module.idle:
            assert result.serves[module.name] == module.serves
    at_rest = [StackModule(m.name, m.limit_A, every, m.serves, True) for m in modules]
    serves = assign(wishes_A, at_rest).serves
    has_A = {evse: 40.0 * list(serves.values()).count(evse) for evse in wishes_A}
    for poor, wish_A in wishes_A.items():
        if has_A[poor] < wish_A:
            assert None not in serves.values()
            assert all(has_A[rich] - 40.0 <= has_A[poor] for rich in wishes_A if has_A[rich])
    again = assign(wishes_A, [StackModule(m.name, 40.0, every, serves[m.name], True) for m in modules])
    assert again.serves == serves
