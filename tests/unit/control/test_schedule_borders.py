"""Borders between the pieces of a schedule: whole seconds on the wire, and clocks that are read between two of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from chargepoint.control.effects import AnswerCar
from chargepoint.control.schedule_watch import ScheduleWatch
from chargepoint.model.car import QuestionAsked
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece, PricePiece
from chargepoint.model.commands import Contribute
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.forecast import Plan, PlanStep, TariffPiece
from chargepoint.model.ids import EvseId
from chargepoint.model.instant import Instant
from chargepoint.model.limits import Interval
from chargepoint.model.schedule_offer import ScheduleOffer

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ANCHOR = int(T0.timestamp())
DAY_S = 86_400


def profile(high_W: float) -> Contribution:
    return Contribution(Source.CSMS, EVSE, 1e9, f"profile {high_W:g}", Interval(-4_000.0, high_W))


@pytest.mark.parametrize("border_s", [99.6, 99.4, 100.0, 0.3])
def test_a_schedule_for_a_car_has_whole_seconds_that_fill_its_day(
    new_bench: Callable[..., Bench], border_s: float
) -> None:
    bench = new_bench()
    bench.transferring()
    steps = (PlanStep(bench.t - 1, (profile(6_000.0),)), PlanStep(bench.t + border_s, (profile(2_000.0),)))
    bench.command(Contribute(EVSE, "ocpp", (profile(6_000.0),), Plan(steps, bench.t + 7_200.5)))
    bench.feed(QuestionAsked(EVSE, 1, ForeseePower(0, DAY_S, 1024), bench.t + 55.0))
    (answer,) = (e.answer for e in bench.effects if isinstance(e, AnswerCar))
    assert isinstance(answer, PowerForeseen)
    lengths_s = [piece.duration_s for piece in answer.pieces]
    assert all(length_s == round(length_s) for length_s in lengths_s), lengths_s
    assert sum(lengths_s) == DAY_S
    begins_s = [sum(lengths_s[:number]) for number in range(len(lengths_s))]
    for begin_s, piece in zip(begins_s, answer.pieces, strict=True):
        assert piece.charge_W <= 2_000.0 or begin_s + piece.duration_s <= border_s  # never more than was foreseen


def test_the_answer_has_the_prices_of_the_plan(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    bench.transferring()
    tariff = (TariffPiece(bench.t - 60, level=1), TariffPiece(bench.t + 600, level=2))
    plan = Plan((PlanStep(bench.t - 1, (profile(6_000.0),)),), bench.t + 7_200, tariff)
    bench.command(Contribute(EVSE, "ocpp", (profile(6_000.0),), plan))
    bench.feed(QuestionAsked(EVSE, 1, ForeseePower(0, 3600, 12), bench.t + 55.0))
    (answer,) = (e.answer for e in bench.effects if isinstance(e, AnswerCar))
    assert isinstance(answer, PowerForeseen)
    assert answer.prices == (PricePiece(600, 1), PricePiece(3000, 2))


@pytest.mark.parametrize("fraction_s", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("powers_W", [(5_000.0, 10_000.0), (10_000.0, 5_000.0)])
def test_a_border_that_lies_ahead_is_no_reason_for_a_renegotiation(
    fraction_s: float, powers_W: tuple[float, float]
) -> None:
    """The limit changes 1800 s after T0. The schedule was made `fraction_s` after T0, and begins at T0's second."""
    first_W, second_W = powers_W
    border_s = 1800.0

    def foreseen(from_s: float, horizon_s: float) -> tuple[PowerPiece, ...]:
        return (
            PowerPiece(border_s - from_s, first_W, 0.0),
            PowerPiece(horizon_s - border_s + from_s, second_W, 0.0),
        )

    watch = ScheduleWatch()
    watch.offered(ScheduleOffer(1, ANCHOR, foreseen(fraction_s, DAY_S)), 1000.0)
    for second in range(1, 300):
        now_s = second + 0.1
        asked = watch.renegotiate(
            lambda horizon_s, now_s=now_s: foreseen(now_s, horizon_s),  # type: ignore[misc]
            PowerPiece(0.0, first_W, 0.0),
            Instant(1000.0 + now_s, T0 + timedelta(seconds=now_s)),
        )
        assert not asked, f"after {now_s} s"


def test_a_lower_limit_for_longer_is_a_reason() -> None:
    watch = ScheduleWatch()
    watch.offered(ScheduleOffer(1, ANCHOR, (PowerPiece(DAY_S, 10_000.0, 0.0),)), 1000.0)
    less = (PowerPiece(1800.0, 10_000.0, 0.0), PowerPiece(10.0, 0.0, 0.0), PowerPiece(DAY_S, 10_000.0, 0.0))
    asked = [
        watch.renegotiate(
            lambda _: less, PowerPiece(0.0, 10_000.0, 0.0), Instant(1000.0 + s, T0 + timedelta(seconds=s))
        )
        for s in range(1, 6)
    ]
    assert any(asked)
