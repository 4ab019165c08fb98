"""A GPIO input line: levels count from their edge after their time, and no opening is missed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gpio.line import ACTIVE_S, INACTIVE_S, EdgeSeen, InputLine


def closed() -> InputLine:
    line = InputLine()
    line.reread(True, 0.0)
    line.step(1.0)
    assert line.active
    return line


def test_nothing_is_known_first_and_what_was_never_seen_active_is_not() -> None:
    line = InputLine()
    assert line.active is None
    line.reread(True, 0.0)
    assert line.active is False
    assert line.deadline_s == pytest.approx(ACTIVE_S)
    line.step(ACTIVE_S)
    assert line.active is True and line.deadline_s is None


def test_an_opening_counts_after_its_time_and_from_its_edge() -> None:
    line = closed()
    line.edge(EdgeSeen(1, False, 2.0, 1))
    line.step(2.0 + INACTIVE_S / 2)
    assert line.active
    line.step(2.0 + INACTIVE_S)
    assert not line.active and line.changed_at_s == 2.0


def test_a_disturbance_does_not_count() -> None:
    line = closed()
    line.edge(EdgeSeen(1, False, 2.0, 1))
    line.edge(EdgeSeen(1, True, 2.0 + INACTIVE_S / 2, 2))
    line.step(3.0)
    assert line.active and line.changed_at_s < 2.0


def test_edges_that_are_read_late_count_by_the_kernels_time() -> None:
    """A dip of 4 ms, of which both edges are read 20 ms later: it was there, and shows for 50 ms more."""
    line = closed()
    line.edge(EdgeSeen(1, False, 2.0, 1))
    line.edge(EdgeSeen(1, True, 2.004, 2))
    assert not line.active and line.changed_at_s == 2.0
    line.step(2.05)
    assert not line.active
    line.step(2.004 + ACTIVE_S)
    assert line.active


def test_a_gap_in_the_kernels_count_asks_for_a_reading() -> None:
    line = closed()
    assert line.edge(EdgeSeen(1, False, 2.0, 1)) is False
    assert line.edge(EdgeSeen(1, False, 2.1, 4)) is True
    assert line.lost_edges == 2


def test_a_reading_that_differs_from_the_last_edge_counts_from_now() -> None:
    line = closed()
    line.reread(False, 5.0)
    line.step(5.0 + INACTIVE_S)
    assert not line.active and line.changed_at_s == 5.0


@given(st.lists(st.floats(0.0001, 0.2), max_size=40))
def test_every_opening_that_lasts_shows_for_at_least_the_time_of_closing(pauses_s: list[float]) -> None:
    line, now_s, active = closed(), 2.0, True
    openings, shown = [], []
    for number, pause_s in enumerate(pauses_s, start=1):
        active = not active
        if not active:
            openings.append((now_s, pause_s))
        line.edge(EdgeSeen(1, active, now_s, number))
        if active and pauses_s[number - 2] >= INACTIVE_S + 1e-9:
            shown.append(line.active)
            line.step(now_s + ACTIVE_S * 0.99 if pause_s > ACTIVE_S else now_s)
            shown.append(line.active)
        now_s += pause_s
    assert not any(shown)
