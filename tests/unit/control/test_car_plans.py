"""K15 to K17: needs on their way up, the car's schedule held for the central system's, plans reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.control.car_plans import PATIENCE_S, NeedsTaken
from chargepoint.control.effects import AnswerCar, ReportNeeds, ReportPlan
from chargepoint.model.car import ControlMode, ProfileNamed, QuestionAsked, ScheduleOffered
from chargepoint.model.car_questions import ForeseePower, PowerPiece
from chargepoint.model.commands import ScheduleArrived
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.schedule_offer import ScheduleOffer

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
SCHEDULED, DYNAMIC = ControlMode.SCHEDULED, ControlMode.DYNAMIC


def ask(bench: Bench, number: int = 5) -> None:
    """The car asks for a schedule; its limits are known by then."""
    bench.asks(Phase.OFF, SCHEDULED)
    bench.car(QuestionAsked(EVSE, number, ForeseePower(0, 3600.0, 24), bench.t + 55.0))


def of(bench: Bench, kind: type) -> list[Any]:
    return [effect for effect in bench.effects if isinstance(effect, kind)]


@pytest.fixture
def waiting(bench: Bench) -> Bench:
    """A scheduled car whose question is on its way to the central system."""
    bench.schedule_comes = None
    bench.begun()
    bench.connect()
    ask(bench)
    return bench


def test_the_needs_go_up_and_the_answer_waits(waiting: Bench) -> None:
    (report,) = of(waiting, ReportNeeds)
    assert (report.number, report.needs.points, report.needs.control_mode) == (5, 24, SCHEDULED)
    assert report.needs.energy.soc_percent == 55.0
    assert of(waiting, AnswerCar) == []


def test_no_schedule_will_come(waiting: Bench) -> None:
    """K15.FR.04, FR.05, FR.15: rejected, later, or offline."""
    waiting.feed(NeedsTaken(5, wait=False))
    (answer,) = of(waiting, AnswerCar)
    assert answer.number == 5
    assert answer.answer.pieces


def test_the_schedule_comes(waiting: Bench) -> None:
    waiting.feed(NeedsTaken(5, wait=True))
    waiting.live(1.0)
    assert of(waiting, AnswerCar) == []
    assert waiting.command(ScheduleArrived(EVSE)).accepted
    assert [answer.number for answer in of(waiting, AnswerCar)] == [5]
    waiting.command(ScheduleArrived(EVSE))
    waiting.live(PATIENCE_S + 1.0)
    assert len(of(waiting, AnswerCar)) == 1


def test_the_schedule_comes_before_the_answer_to_the_needs(waiting: Bench) -> None:
    waiting.command(ScheduleArrived(EVSE))
    waiting.feed(NeedsTaken(5, wait=True))
    waiting.live(PATIENCE_S + 1.0)
    assert len(of(waiting, AnswerCar)) == 1


def test_patience_has_an_end(waiting: Bench) -> None:
    waiting.feed(NeedsTaken(5, wait=True))
    waiting.live(PATIENCE_S - 0.5)
    assert of(waiting, AnswerCar) == []
    waiting.live(1.0)
    assert len(of(waiting, AnswerCar)) == 1


def test_an_answer_to_another_question_is_none(waiting: Bench) -> None:
    waiting.feed(NeedsTaken(4, wait=False))
    assert of(waiting, AnswerCar) == []


def test_a_renegotiation_of_ours_is_not_reported_again(waiting: Bench) -> None:
    """K16.FR.09."""
    waiting.feed(NeedsTaken(5, wait=False))
    waiting.evse._plans.station_asked()
    ask(waiting, 6)
    assert len(of(waiting, ReportNeeds)) == 1
    assert [answer.number for answer in of(waiting, AnswerCar)] == [5, 6]
    waiting.car(ScheduleOffered(EVSE, ScheduleOffer(1, 0, (PowerPiece(3600.0, 11_000.0, 0.0),))))
    ask(waiting, 7)
    assert len(of(waiting, ReportNeeds)) == 2  # the car's own wish is: K17.FR.01


def test_a_car_in_dynamic_mode_reports_once_and_waits_for_nothing(bench: Bench) -> None:
    bench.begun()
    bench.connect()
    bench.asks(Phase.OFF, DYNAMIC)
    assert of(bench, ReportNeeds) == []
    for phase in (Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER):
        bench.asks(phase, DYNAMIC)
    (report,) = of(bench, ReportNeeds)
    assert (report.number, report.needs.points) == (None, None)
    bench.feed(NeedsTaken(0, wait=True))
    assert of(bench, AnswerCar) == []


# -- plans ---------------------------------------------------------------------------------------------------------------


def offered(bench: Bench) -> None:
    pieces = (PowerPiece(600.0, 11_000.0, 8_000.0), PowerPiece(3000.0, 5_000.0, 0.0))
    bench.car(ScheduleOffered(EVSE, ScheduleOffer(1, 1_772_366_400, pieces)))


def test_a_named_profile_is_reported(bench: Bench) -> None:
    bench.begun()
    bench.connect()
    offered(bench)
    bench.asks(Phase.TRANSFER, SCHEDULED)  # while the contactor closes
    bench.car(ProfileNamed(EVSE, 1, 1_772_366_400, ((600, 9_000.0), (3000, -4_000.0))))
    for _ in range(20):
        bench.asks(Phase.TRANSFER, SCHEDULED)
        bench.live(0.1)
    (report,) = of(bench, ReportPlan)
    assert report.plan.by_car
    assert report.plan.pieces == ((600, 9_000.0), (3000, -4_000.0))


def test_without_a_profile_the_offer_counts(bench: Bench) -> None:
    """K15.FR.19. K16.FR.13."""
    bench.begun()
    bench.connect()
    offered(bench)
    bench.asks(Phase.PRE_CHARGE, SCHEDULED)
    assert of(bench, ReportPlan) == []
    for number in range(13):
        assert number > 9 or of(bench, ReportPlan) == []
        bench.asks(Phase.TRANSFER, SCHEDULED)
        bench.live(0.1, pilot=ControlPilot.C, stage=Stage.TRANSFER)
    bench.asks(Phase.TRANSFER, SCHEDULED)
    (report,) = of(bench, ReportPlan)
    assert not report.plan.by_car
    assert report.plan.pieces == ((600.0, 11_000.0), (3000.0, 5_000.0))
