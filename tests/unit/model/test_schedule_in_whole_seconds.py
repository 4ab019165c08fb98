"""A schedule on the wire has whole seconds: pieces shorter than that are no entries, and never leave a schedule empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.schedule_offer import in_whole_seconds

PIECES = st.lists(
    st.builds(PowerPiece, st.floats(0.01, 100.0), st.floats(0.0, 22_000.0), st.floats(0.0, 22_000.0)),
    min_size=1,
    max_size=30,
)


@given(PIECES)
def test_each_piece_has_whole_seconds_and_the_sum_stays(pieces: list[PowerPiece]) -> None:
    found = in_whole_seconds(pieces)
    assert all(piece.duration_s >= 1 and piece.duration_s.is_integer() for piece in found)
    assert sum(piece.duration_s for piece in found) == max(1, round(sum(piece.duration_s for piece in pieces)))


@given(PIECES)
def test_the_least_power_of_both_directions_survives(pieces: list[PowerPiece]) -> None:
    found = in_whole_seconds(pieces)
    assert min(piece.charge_W for piece in found) == min(piece.charge_W for piece in pieces)
    assert min(piece.discharge_W for piece in found) == min(piece.discharge_W for piece in pieces)
    assert max(piece.charge_W for piece in found) <= max(piece.charge_W for piece in pieces)


@pytest.mark.parametrize(
    ("durations_s", "wanted"),
    [
        ((0.2,), [(1.0, 1.0)]),
        ((0.2, 0.1), [(1.0, 1.0)]),
        ((0.3, 10.0), [(10.0, 1.0)]),
        ((10.0, 0.3), [(10.0, 1.0)]),
        ((0.4, 0.4, 0.4), [(1.0, 1.0)]),
        ((600.0, 1800.0), [(600.0, 1.0), (1800.0, 2.0)]),
        ((), []),
        ((0.0, 0.0), []),
    ],
)
def test_short_pieces(durations_s: tuple[float, ...], wanted: list[tuple[float, float]]) -> None:
    """The n-th piece has n watts."""
    pieces = [PowerPiece(duration_s, float(number), 0.0) for number, duration_s in enumerate(durations_s, 1)]
    assert [(piece.duration_s, piece.charge_W) for piece in in_whole_seconds(pieces)] == wanted
