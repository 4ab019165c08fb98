"""Which module serves which EVSE: fairness, reach, nothing moves without need or while current may flow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.ids import EvseId
from chargepoint.power.assignment import Assignment, StackModule, assign

E1, E2, E3 = EvseId(1), EvseId(2), EvseId(3)


def stack(*serves: EvseId | None, idle: bool = False, limit_A: float = 40.0) -> list[StackModule]:
    both = frozenset({E1, E2})
    return [StackModule(f"m{i}", limit_A, both, evse, idle or evse is None) for i, evse in enumerate(serves)]


def test_an_evse_alone_gets_all_it_wants_and_no_more() -> None:
    result = assign({E1: 70.0, E2: 0.0}, stack(None, None, None))
    assert sorted(str(evse) for evse in result.serves.values()) == ["1", "1", "None"]


def test_two_evses_share_three_modules_and_the_first_gives_one_back() -> None:
    result = assign({E1: 120.0, E2: 120.0}, stack(E1, E1, E1))
    assert len(result.release) == 1
    assert set(result.serves.values()) == {E1}  # nothing moves while current may flow
    (released,) = result.release
    now_idle = [StackModule(m.name, m.limit_A, m.reaches, m.serves, m.name == released) for m in stack(E1, E1, E1)]
    after = assign({E1: 120.0, E2: 120.0}, now_idle)
    assert after.serves[released] == E2 and after.release == frozenset()


@pytest.mark.parametrize("serves", [(E1, E1, E2), (E1, E2, E2), (E2, E1, E2)])
def test_nothing_moves_without_need(serves: tuple[EvseId, ...]) -> None:
    result = assign({E1: 120.0, E2: 120.0}, stack(*serves))
    assert result == Assignment({f"m{i}": evse for i, evse in enumerate(serves)}, frozenset())


def test_one_module_dies_under_both_and_the_one_with_the_least_gets_the_next() -> None:
    without = [m for m in stack(E1, E1, E2) if m.name != "m2"]  # the only module of EVSE 2
    result = assign({E1: 120.0, E2: 120.0}, without)
    assert len(result.release) == 1


def test_a_module_serves_only_whom_it_reaches() -> None:
    modules = [StackModule("a", 40.0, frozenset({E1})), StackModule("b", 40.0, frozenset({E1}))]
    assert set(assign({E1: 40.0, E2: 40.0}, modules).serves.values()) == {E1, None}


@given(
    st.dictionaries(st.sampled_from([E1, E2, E3]), st.floats(0.0, 300.0), min_size=1),
    st.lists(st.tuples(st.sampled_from([None, E1, E2, E3]), st.booleans()), max_size=7),
)
def test_fair_among_evses_with_equal_modules(
    wishes_A: dict[EvseId, float], states: list[tuple[EvseId | None, bool]]
) -> None:
    every = frozenset({E1, E2, E3})
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
