"""Cars that do something allowed far too often: the session ends in order, the log stays short, the next car is served."""

from __future__ import annotations

from collections import Counter

import pytest

from chargepoint.app.log_repeats import cause_of
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.bounds import absurd
from tests.joined.visit import VirtualSite

ORDERS_OF_ONE_SECOND_MAX = 250
"""A changed order for each loop of the fastest car, its renewals, and those of central system and session."""


@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("period_s", [0.01, 0.1, 0.45])
def test_a_car_that_turns_its_direction_in_each_loop(mode: str, period_s: float) -> None:
    flips = (Misbehaviour("flip", "DC_ChargeLoopReq", always=True),)
    site, spec = VirtualSite(), CarSpec(control_mode=mode, loop_period_s=period_s)
    visit = site.visit(CarPlan(misbehaviours=flips), spec, loops=40)
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")
    assert not any(absurd(timed.demand) for timed in visit.demands)
    orders = Counter(int(timed.at_s) for timed in visit.demands)
    assert max(orders.values()) <= ORDERS_OF_ONE_SECOND_MAX
    assert site.visit().car.progress.error is None


@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_a_car_that_renegotiates_its_schedule_after_each_loop(mode: str) -> None:
    storm = (CarWish("schedule_renegotiation", at_loop=1, every_loops=1),)
    site = VirtualSite()
    visit = site.visit(CarPlan(wishes=storm), CarSpec(control_mode=mode), loops=30)
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")
    assert len(visit.car.log.requests("ScheduleExchangeReq")) >= 30
    assert not any(absurd(timed.demand) for timed in visit.demands)
    assert site.visit().car.progress.error is None


def test_a_car_that_renegotiates_its_service_after_each_loop() -> None:
    storm = (CarWish("service_renegotiation", at_loop=1, every_loops=1),)
    site = VirtualSite()
    visit = site.visit(CarPlan(wishes=storm), loops=10)
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")
    assert len(visit.car.log.requests("ServiceSelectionReq")) >= 10
    causes = Counter((int(line.at_s), cause_of(line.text)) for line in visit.lines)
    assert max(causes.values()) <= 5
    assert site.visit().car.progress.error is None


def test_limits_that_change_their_sense_in_each_loop_never_reach_the_stage() -> None:
    kinds = ("huge_exponent", "negative_limits", "min_above_max", "tiny_exponent", "voltage_above_station")
    storm = tuple(Misbehaviour(what, "DC_ChargeLoopReq", nth) for nth, what in enumerate(kinds * 4, start=2))
    visit = VirtualSite().visit(CarPlan(misbehaviours=storm), loops=25)
    assert visit.car.progress.error is None
    assert not any(absurd(timed.demand) for timed in visit.demands)
