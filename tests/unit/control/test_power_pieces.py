"""A forecast as the pieces of a car's schedule: whole seconds to the end of the horizon, however short the forecast is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.control.power_pieces import power_pieces, price_pieces
from chargepoint.iso15118.steps.schedule import DAY_S, HORIZON_MAX_S, horizon_s
from chargepoint.model.car_questions import PricePiece
from chargepoint.model.forecast import Forecast, ForecastPiece, TariffPiece


def forecast(*durations_s: float) -> Forecast:
    """The n-th piece has n kW in and half of it out."""
    start_s, pieces = 0.0, []
    for number, duration_s in enumerate(durations_s, 1):
        pieces.append(ForecastPiece(start_s, duration_s, 1_000.0 * number, 500.0 * number, None, ""))
        start_s += duration_s
    return Forecast(0.0, tuple(pieces))


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=20), st.integers(1, 3600))
def test_each_piece_has_whole_seconds(durations_s: list[float], horizon: int) -> None:
    found = power_pieces(forecast(*durations_s), horizon)
    assert found
    assert all(piece.duration_s >= 1 and piece.duration_s.is_integer() for piece in found)
    assert sum(piece.duration_s for piece in found) >= horizon


@pytest.mark.parametrize("durations_s", [(0.3,), (0.2, 0.3), (0.2, 0.2, 0.2)])
def test_a_forecast_of_less_than_a_second_is_one_piece(durations_s: tuple[float, ...]) -> None:
    (piece,) = power_pieces(forecast(*durations_s), 60)
    assert (piece.duration_s, piece.charge_W, piece.discharge_W) == (60.0, 1_000.0, 500.0)


@pytest.mark.parametrize(
    ("departure_s", "wanted_s"),
    [(None, DAY_S), (0.0, DAY_S), (0.3, 1), (0.999_999, 1), (7199.999_999, 7200), (1e9, HORIZON_MAX_S)],
)
def test_the_horizon_has_at_least_a_second(departure_s: float | None, wanted_s: int) -> None:
    assert horizon_s(None if departure_s is None else 1000.0 + departure_s, 1000.0) == wanted_s


def priced(*tariff: TariffPiece) -> list[tuple[int, int]]:
    """Of a forecast that begins at 1000 s and reaches an hour far."""
    pieces = (ForecastPiece(0.0, 3600.0, 1_000.0, 0.0, None, ""),)
    found = price_pieces(Forecast(1000.0, pieces, tariff))
    assert all(isinstance(piece, PricePiece) for piece in found)
    return [(piece.duration_s, piece.level) for piece in found]


def test_levels_follow_each_other_to_the_end_of_the_forecast() -> None:
    assert priced(TariffPiece(500.0, level=1), TariffPiece(1600.4, level=3)) == [(600, 1), (3000, 3)]


@pytest.mark.parametrize(
    ("tariff", "wanted"),
    [
        ((), []),
        ((TariffPiece(1500.0, level=1),), []),  # not known yet
        ((TariffPiece(0.0, price_per_kWh=0.3, currency="EUR"),), []),  # a price is no level
        ((TariffPiece(0.0, level=1, until_s=1900.0),), [(900, 1)]),
        ((TariffPiece(0.0, level=1, until_s=1100.0), TariffPiece(1200.0, level=2)), [(100, 1)]),  # a gap ends it
        ((TariffPiece(0.0, level=1), TariffPiece(1000.3, level=2)), [(3600, 2)]),
    ],
)
def test_only_what_is_known_from_now_on(tariff: tuple[TariffPiece, ...], wanted: list[tuple[int, int]]) -> None:
    assert priced(*tariff) == wanted
