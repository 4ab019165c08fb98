"""What the watch of the schedule costs, and how often it asks a car that does not follow."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from chargepoint.control.schedule_watch import PAUSE_MAX_S, PAUSE_S, ScheduleWatch
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.instant import Instant
from chargepoint.model.schedule_offer import ScheduleOffer

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DAY_S = 86_400.0


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, T0 + timedelta(seconds=seconds))


def watch(charge_W: float = 10_000.0) -> ScheduleWatch:
    made = ScheduleWatch()
    made.offered(ScheduleOffer(1, int(T0.timestamp()), (PowerPiece(DAY_S, charge_W, 0.0),)), 1000.0)
    return made


def asked(it: ScheduleWatch, pieces: tuple[PowerPiece, ...], from_s: int, until_s: int) -> tuple[list[int], int]:
    """The seconds at which the station asks, and how many forecasts were made."""
    times, forecasts = [], 0

    def foreseen(_: float) -> tuple[PowerPiece, ...]:
        nonlocal forecasts
        forecasts += 1
        return pieces

    for second in range(from_s, until_s):
        if it.due(1000.0 + second) and it.renegotiate(foreseen, pieces[0], at(second)):
            times.append(second)
    return times, forecasts


def test_a_car_that_makes_no_new_schedule_is_asked_less_and_less_often() -> None:
    times, _ = asked(watch(), (PowerPiece(DAY_S, 5_000.0, 0.0),), 0, 20_000)
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert pauses[:4] == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S, 8 * PAUSE_S]
    assert max(pauses) == PAUSE_MAX_S
    assert len(times) <= 12


def test_a_car_that_follows_is_asked_again_after_the_first_pause() -> None:
    it, low = watch(), (PowerPiece(DAY_S, 5_000.0, 0.0),)
    times, _ = asked(it, low, 0, 150)
    assert len(times) == 2
    it.offered(ScheduleOffer(1, int(T0.timestamp()), (PowerPiece(DAY_S, 9_000.0, 0.0),)), 1150.0)
    more, _ = asked(it, low, 150, 400)
    assert more[0] - times[-1] < 2 * PAUSE_S
    assert more[1] - more[0] == PAUSE_S


def test_a_forecast_of_a_thousand_pieces_is_made_each_ten_seconds() -> None:
    many = tuple(PowerPiece(86.4, 10_000.0 + n, 0.0) for n in range(1000))
    _, forecasts = asked(watch(), many, 0, 600)
    assert 55 <= forecasts <= 61
    _, forecasts = asked(watch(), many[:10], 0, 600)
    assert forecasts >= 590
