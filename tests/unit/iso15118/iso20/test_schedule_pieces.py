"""What the station foresees, as a schedule: a car that keeps to it is never refused; nothing foreseen is a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.model.car import CarSessionEnded, ControlMode, SessionEnd
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.image import Stage

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


def test_nothing_foreseen_is_refused_and_ends_the_session(new_car: Callable[..., ScriptedCar]) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.SCHEDULE_EXCHANGE)
    car.foreseen = (PowerPiece(0.0, 5_000.0, 0.0),)
    answer = car.ask(car.schedule_exchange())
    assert answer.ResponseCode.value == "FAILED"
    (end,) = (e for e in car.events if isinstance(e, CarSessionEnded))
    assert end.end is SessionEnd.STOPPED_BY_STATION


@pytest.mark.parametrize("powers_W", [(20_000.0, 5_000.0, 10_000.0), (5_000.0, 20_000.0, 0.0)])
def test_a_car_that_plans_exactly_what_was_offered_charges(
    new_car: Callable[..., ScriptedCar], powers_W: tuple[float, ...]
) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.SCHEDULE_EXCHANGE)
    car.foreseen = tuple(PowerPiece(100.0 + number, power_W, 0.0) for number, power_W in enumerate(powers_W))
    answer = car.ask(car.schedule_exchange())
    offered = answer.Scheduled_SEResControlMode.ScheduleTuple[0].ChargingSchedule.PowerSchedule
    for state in (State.CABLE_CHECK, State.PRE_CHARGE):
        car.step(state)
    request = car.power_delivery()
    assert request.EVPowerProfile is not None
    entries = cm.EVPowerProfileEntryList(EVPowerProfileEntry=offered.PowerScheduleEntries.PowerScheduleEntry)
    profile = replace(request.EVPowerProfile, TimeAnchor=offered.TimeAnchor, EVPowerProfileEntries=entries)
    answers = car.send(replace(request, EVPowerProfile=profile)) + car.see(stage=Stage.TRANSFER)
    assert [a.ResponseCode.value for a in answers] == ["OK"]
