"""Schedules of a thousand pieces: the comparison costs steps in proportion to the pieces, and says the same as a plain one."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.schedule_offer import BORDERS_DIFFER_S, ScheduleOffer, overlapping, shortened, spans_from

PIECES = st.lists(
    st.builds(PowerPiece, st.sampled_from([1.0, 5.0, 60.0]), st.sampled_from([0.0, 5e3, 9e3]), st.just(1e3)),
    min_size=1,
    max_size=8,
).map(tuple)


def counted(number: int, steps: list[int]) -> Iterator[tuple[float, float, int]]:
    for n in range(number):
        steps.append(n)
        yield float(n), n + 1.0, n


def test_two_schedules_are_compared_in_one_pass() -> None:
    steps: list[int] = []
    pairs = list(overlapping(counted(1000, steps), counted(1000, steps)))
    assert pairs == [(n, n) for n in range(1000)]
    assert len(steps) == 2000


@given(PIECES, PIECES, st.sampled_from([100.0, 100.5, 103.0, 160.0]))
def test_an_offer_is_allowed_where_no_piece_promises_more_for_longer_than_borders_may_differ(
    own: tuple[PowerPiece, ...], pieces: tuple[PowerPiece, ...], now_s: float
) -> None:
    offer = ScheduleOffer(1, 100, own)
    more = [
        (a, b)
        for from_s, to_s, a in offer.spans()
        for other_from_s, other_to_s, b in spans_from(now_s, pieces)
        if min(to_s, other_to_s) - max(from_s, other_from_s) > BORDERS_DIFFER_S and a.charge_W > b.charge_W
    ]
    assert offer.allowed_by(pieces, now_s) == (not more and now_s < offer.end_utc_s)


@given(PIECES, st.integers(1, 8))
def test_a_shortened_schedule_promises_no_more_and_lasts_as_long(pieces: tuple[PowerPiece, ...], points: int) -> None:
    short = shortened(pieces, points)
    assert len(short) <= points
    assert sum(p.duration_s for p in short) == sum(p.duration_s for p in pieces)
    assert ScheduleOffer(1, 100, short).allowed_by(pieces, 100.0)


def test_a_thousand_pieces_become_twelve() -> None:
    pieces = tuple(PowerPiece(60.0, 1000.0 + n * 37 % 900, 500.0) for n in range(1000))
    short = shortened(pieces, 12)
    assert len(short) == 12
    assert sum(p.duration_s for p in short) == 60_000.0


def test_spans_follow_each_other() -> None:
    pieces = (PowerPiece(10.0, 1.0, 0.0), PowerPiece(5.0, 2.0, 0.0))
    assert [(a, b) for a, b, _ in spans_from(100.0, pieces)] == [(100.0, 110.0), (110.0, 115.0)]
