"""AC cars that do something allowed far too often: the session ends in order, the contactor stays calm, the next car is served."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from chargepoint.app.log_repeats import cause_of
from chargepoint.model.demand import Phase
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.bounds import absurd
from tests.joined.outlet import AC_OUTLET
from tests.joined.visit import VirtualSite, Visit

ORDERS_OF_ONE_SECOND_MAX = 250
"""A changed order for each loop of the fastest car, its renewals, and those of central system and session."""
LOOP = "AC_ChargeLoopReq"


def plan(*misbehaviours: Misbehaviour, wishes: tuple[CarWish, ...] = ()) -> CarPlan:
    return CarPlan(energy=("AC",), misbehaviours=misbehaviours, wishes=wishes)


def closings(visit: Visit) -> int:
    """How often the order to close the contactor came after one to open it."""
    phases = [timed.demand.phase for timed in visit.demands]
    return sum(before is not Phase.TRANSFER and after is Phase.TRANSFER for before, after in pairwise(phases))


def check(site: VirtualSite, visit: Visit) -> None:
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")
    assert not any(absurd(timed.demand, AC_OUTLET.capabilities) for timed in visit.demands)
    orders = Counter(int(timed.at_s) for timed in visit.demands)
    assert max(orders.values()) <= ORDERS_OF_ONE_SECOND_MAX
    causes = Counter((int(line.at_s), cause_of(line.text)) for line in visit.lines)
    assert max(causes.values()) <= 5
    assert site.visit().car.progress.error is None


@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("period_s", [0.01, 0.1, 0.45])
def test_limits_that_block_the_other_direction_in_each_loop_never_open_the_contactor(
    mode: str, period_s: float
) -> None:
    site = VirtualSite(outlet=AC_OUTLET)
    spec = CarSpec(control_mode=mode, loop_period_s=period_s)
    visit = site.visit(plan(Misbehaviour("flip", LOOP, always=True)), spec, loops=40)
    check(site, visit)
    assert closings(visit) == 1


@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_a_schedule_renegotiation_after_each_loop_keeps_the_contactor_closed(mode: str) -> None:
    storm = (CarWish("schedule_renegotiation", at_loop=1, every_loops=1),)
    site = VirtualSite(outlet=AC_OUTLET)
    visit = site.visit(plan(wishes=storm), CarSpec(control_mode=mode), loops=30)
    check(site, visit)
    assert len(visit.car.log.requests("ScheduleExchangeReq")) >= 30
    assert closings(visit) == 1


@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_a_service_renegotiation_after_each_loop_opens_the_contactor_each_time(mode: str) -> None:
    storm = (CarWish("service_renegotiation", at_loop=1, every_loops=1),)
    site = VirtualSite(outlet=AC_OUTLET)
    visit = site.visit(plan(wishes=storm), CarSpec(control_mode=mode), loops=10)
    check(site, visit)
    assert len(visit.car.log.requests("ServiceSelectionReq")) >= 10
    assert closings(visit) >= 10


@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_standby_and_back_after_each_loop_keeps_the_contactor_closed(mode: str) -> None:
    storm = (
        CarWish("standby", at_loop=2, every_loops=4),
        CarWish("leave_standby", at_loop=4, every_loops=4),
    )
    site = VirtualSite(outlet=AC_OUTLET)
    visit = site.visit(plan(wishes=storm), CarSpec(control_mode=mode), loops=24)
    check(site, visit)
    assert closings(visit) == 1


def test_limits_that_change_their_sense_in_each_loop_never_reach_the_outlet() -> None:
    kinds = ("huge_exponent", "negative_limits", "min_above_max", "tiny_exponent")
    storm = tuple(Misbehaviour(what, LOOP, nth) for nth, what in enumerate(kinds * 5, start=2))
    site = VirtualSite(outlet=AC_OUTLET)
    check(site, site.visit(plan(*storm), loops=25))
