"""A schedule that does not fit any more: when the car is asked for a renegotiation, and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chargepoint.control.schedule_watch import LESS_AFTER_S, MORE_AFTER_S, PAUSE_S, ScheduleWatch
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.instant import Instant
from chargepoint.model.schedule_offer import ScheduleOffer

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ANCHOR = int(T0.timestamp())


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, T0 + timedelta(seconds=seconds))


def watch(charge_W: float = 10_000.0, discharge_W: float = 5_000.0) -> ScheduleWatch:
    made = ScheduleWatch()
    made.offered(ScheduleOffer(1, ANCHOR, (PowerPiece(3600.0, charge_W, discharge_W),)), 1000.0)
    return made


def asked(it: ScheduleWatch, charge_W: float, discharge_W: float, until_s: float, from_s: float = 0.0) -> list[float]:
    """When the station asks, with this power foreseen all the time."""
    found, piece = [], PowerPiece(1e6, charge_W, discharge_W)
    for second in range(int(from_s), int(until_s)):
        if it.due(1000.0 + second) and it.renegotiate(lambda _: (piece,), piece, at(second)):
            found.append(float(second))
    return found


def test_a_schedule_that_fits_is_left_alone() -> None:
    assert asked(watch(), 10_000.0, 5_000.0, 600) == []
    assert asked(watch(), 10_900.0, 5_400.0, 600) == []


def test_less_than_promised_leads_to_a_renegotiation_soon_and_not_again_at_once() -> None:
    """K16.FR.02."""
    times = asked(watch(), 8_000.0, 5_000.0, 200)
    assert times[0] <= LESS_AFTER_S + 2
    assert times[1] - times[0] >= PAUSE_S


def test_less_discharge_than_promised_counts_too() -> None:
    assert asked(watch(), 10_000.0, 1_000.0, 30)


def test_more_than_promised_leads_to_a_renegotiation_once_it_lasts() -> None:
    """K16.FR.02."""
    times = asked(watch(), 16_000.0, 5_000.0, 60)
    assert MORE_AFTER_S <= times[0] <= MORE_AFTER_S + 2


def test_a_short_dip_is_no_reason() -> None:
    it = watch()
    assert asked(it, 8_000.0, 5_000.0, 2, from_s=1) == []
    assert asked(it, 10_000.0, 5_000.0, 60, from_s=2) == []


def test_nothing_is_watched_without_a_schedule_or_after_its_end() -> None:
    it = watch()
    it.offered(None, 1000.0)
    assert not it.due(1e9)
    assert asked(watch(), 1.0, 1.0, 3700, from_s=3600) == []


def test_a_new_schedule_starts_anew() -> None:
    it = watch()
    assert asked(it, 8_000.0, 5_000.0, 10)
    it.offered(ScheduleOffer(1, ANCHOR, (PowerPiece(3600.0, 8_000.0, 5_000.0),)), 1010.0)
    assert asked(it, 8_000.0, 5_000.0, 600, from_s=10) == []
