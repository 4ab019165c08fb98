"""The plan beside the central system's contributions: at each later instant it says what will then be contributed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.commands import Contribute
from chargepoint.model.demand import Contribution
from chargepoint.model.forecast import Plan
from chargepoint.model.limits import ZERO
from chargepoint.ocpp.blocks.smart_charging import WITHHELD_SPACE
from chargepoint.ocpp.composite import MAX_SEGMENTS, PLAN_S
from chargepoint.ocpp.timestamps import to_wire, utc_from_s

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

UTC0_S = 1_772_366_400.0
HOUR_S = 3600


def profile(*periods: tuple[int, float], number: int = 1, start_s: int = 0, **schedule: Any) -> dict[str, Any]:
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile" if number == 1 else "ChargingStationMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "startSchedule": to_wire(utc_from_s(UTC0_S + start_s)),
                "chargingSchedulePeriod": [{"startPeriod": at, "limit": limit} for at, limit in periods],
                **schedule,
            }
        ],
    }


def contributed(desk: Desk) -> Contribute:
    desk.port.commands.clear()
    desk.contribute()
    (command,) = desk.port.commands
    assert isinstance(command, Contribute)
    return command


def holding(plan: Plan, at_s: float) -> tuple[Contribution, ...]:
    return [step.contributions for step in plan.steps if step.from_s <= at_s][-1]


def test_the_plan_says_what_will_be_contributed(desk: Desk) -> None:
    desk.now_s = 100.0
    day = profile((0, 11_000), (HOUR_S, 5_000), (2 * HOUR_S, 22_000), duration=3 * HOUR_S)
    station = profile((0, 40_000), (5_400, 3_000), number=2)
    for evse_id, made in ((1, day), (0, station)):
        answer = desk.ask("SetChargingProfile", {"evseId": evse_id, "chargingProfile": made})
        assert answer["status"] == "Accepted"
    plan = contributed(desk).plan
    assert plan is not None
    assert plan.steps[0].from_s == 100.0
    assert plan.until_s == pytest.approx(100.0 + PLAN_S)
    for at_s in (100.0, 3_599.0, 3_601.0, 5_399.0, 5_401.0, 7_201.0, 10_801.0, 90_000.0):
        planned = [(c.limits_W, c.target_W, c.key) for c in holding(plan, at_s)]
        desk.now_s = at_s
        assert [(c.limits_W, c.target_W, c.key) for c in contributed(desk).contributions] == planned


def test_a_profile_of_the_future_is_planned_while_nothing_holds_now(desk: Desk) -> None:
    later = profile((0, 7_000), start_s=HOUR_S, duration=HOUR_S)
    assert desk.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": later})["status"] == "Accepted"
    command = contributed(desk)
    assert command.contributions == ()
    assert command.plan is not None
    assert [len(step.contributions) for step in command.plan.steps] == [0, 1, 0]
    desk.port.commands.clear()
    desk.ask("ClearChargingProfile", {"chargingProfileId": 1})
    assert desk.port.commands == [Contribute(command.evse_id, "ocpp", ())]


def test_a_token_that_is_not_accepted_has_no_better_future(desk: Desk) -> None:
    later = profile((0, 7_000), start_s=HOUR_S)
    assert desk.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": later})["status"] == "Accepted"
    desk.port.begin()
    desk.perform((desk.station.kept.space(WITHHELD_SPACE).keep("tx-1", True),))
    plan = contributed(desk).plan
    assert plan is not None
    assert [c.limits_W for step in plan.steps for c in step.contributions] == [ZERO]
    assert plan.until_s > 86_400.0


def test_a_plan_is_bounded_and_ends_where_it_is_full(desk: Desk) -> None:
    for number in range(2):
        periods = [(5 * at + number, 1_000.0 + at % 7) for at in range(1000)]
        made = profile((0, 1_000.0), *periods[1:], number=number + 1)
        assert desk.ask("SetChargingProfile", {"evseId": 1 - number, "chargingProfile": made})["status"] == "Accepted"
    plan = contributed(desk).plan
    assert plan is not None
    assert len(plan.steps) == MAX_SEGMENTS - 1
    assert plan.steps[-1].from_s < plan.until_s < 5_000.0
    assert all(a.from_s < b.from_s for a, b in itertools.pairwise(plan.steps))
