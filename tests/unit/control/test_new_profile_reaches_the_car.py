"""A new charging profile and a car with a schedule of its own: the car is asked for a renegotiation and gets the new limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargepoint.control.effects import AnswerCar
from chargepoint.model.car import ControlMode, QuestionAsked, ScheduleOffered
from chargepoint.model.car_questions import ForeseePower, PowerPiece
from chargepoint.model.commands import Contribute, ScheduleArrived
from chargepoint.model.demand import Contribution, Phase, Source
from chargepoint.model.forecast import Plan, PlanStep
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.limits import Interval
from chargepoint.model.schedule_offer import ScheduleOffer

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)


def limit(bench: Bench, high_W: float) -> None:
    """The central system's profiles allow so much from now on."""
    made = Contribution(Source.CSMS, EVSE, 1e9, f"profile {high_W:g}", Interval(0.0, high_W))
    bench.command(Contribute(EVSE, "ocpp", (made,), Plan((PlanStep(bench.t, (made,)),), bench.t + 1e5)))


def answers(bench: Bench) -> list[Any]:
    return [effect for effect in bench.effects if isinstance(effect, AnswerCar)]


def ask(bench: Bench, number: int) -> None:
    bench.car(QuestionAsked(EVSE, number, ForeseePower(0, 3600.0, 24), bench.t + 55.0))


def test_the_answer_to_the_car_has_the_limits_of_the_profile(bench: Bench) -> None:
    """K16.FR.03: the schedule for the car is made of the profile that has just arrived."""
    bench.schedule_comes = True
    bench.begun()
    bench.connect()
    limit(bench, 9_000.0)
    bench.asks(Phase.OFF, ControlMode.SCHEDULED)
    ask(bench, 5)
    assert answers(bench) == []
    limit(bench, 4_000.0)
    bench.command(ScheduleArrived(EVSE))
    (answer,) = answers(bench)
    assert {piece.charge_W for piece in answer.answer.pieces} == {4_000.0}


def test_a_lower_profile_asks_the_car_for_a_renegotiation(bench: Bench) -> None:
    """K16.FR.02, FR.03."""
    bench.begun()
    bench.connect()
    limit(bench, 9_000.0)
    offer = ScheduleOffer(1, int(bench.now.utc.timestamp()), (PowerPiece(3600.0, 9_000.0, 0.0),))
    bench.car(ScheduleOffered(EVSE, offer))

    def loops(seconds: int) -> None:
        for _ in range(seconds * 10):
            bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED)
            bench.live(0.1, pilot=ControlPilot.C, stage=Stage.TRANSFER)

    loops(5)
    assert bench.evse.station_view().wish is None
    limit(bench, 4_000.0)
    loops(5)
    wish = bench.evse.station_view().wish
    assert wish is not None and wish.wish.name == "SCHEDULE_RENEGOTIATION"
    ask(bench, 6)
    assert {piece.charge_W for piece in answers(bench)[-1].answer.pieces} == {4_000.0}
