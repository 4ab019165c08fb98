"""What only an AC car can do wrong, and a request that belongs to the other kind of outlet."""

from __future__ import annotations

import pytest

from chargepoint.model.car import ControlMode, SessionEnd
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.expected import AC_SESSION, AT_ONCE_S, SESSIONS, TIMER_SLACK_S
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet
from tests.joined.station import LOOP_TIMEOUT_S
from tests.joined.visit import VirtualSite, Visit

VANISHES = ("tcp_reset", "fin", "silence")
OTHER_OUTLET = {"DC": "AC_ChargeLoopReq", "AC": "DC_PreChargeReq"}
"""A request of the other kind of outlet comes under a payload type that this outlet does not know."""


def visit_of(site: VirtualSite, mode: str, misbehaviour: Misbehaviour, *, pilot_stuck: bool = False) -> Visit:
    plan = CarPlan(energy=("AC",), misbehaviours=(misbehaviour,))
    return site.visit(plan, CarSpec(control_mode=mode), stays_s=5.0, pilot_stuck=pilot_stuck)


@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("what", VANISHES)
@pytest.mark.parametrize("message", AC_SESSION.in_transfer)
def test_an_ac_car_that_vanishes_with_its_pilot_in_c_is_switched_off(message: str, what: str, mode: str) -> None:
    name, nth = AC_SESSION.messages[message]
    site = VirtualSite(ControlMode(mode), AC_OUTLET)
    visit = visit_of(site, mode, Misbehaviour(what, name, nth), pilot_stuck=True)
    bound_s = LOOP_TIMEOUT_S + TIMER_SLACK_S if what == "silence" else AT_ONCE_S
    assert visit.power_ended_s() <= bound_s
    assert visit.stage_off_s() <= bound_s
    assert visit.stop_reason() == "Other"
    assert site.visit(CarPlan(energy=("AC",))).car.progress.error is None


def test_an_ac_car_whose_pilot_stays_in_c_after_its_session_finds_the_contactor_open() -> None:
    site = VirtualSite(outlet=AC_OUTLET)
    visit = site.visit(stays_s=5.0, pilot_stuck=True)
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")
    assert site.visit().car.progress.error is None


@pytest.mark.parametrize("outlet", [DC_OUTLET, AC_OUTLET], ids=lambda outlet: str(outlet.energy))
def test_a_request_of_the_other_kind_of_outlet_is_ignored_at_each_message(outlet: Outlet) -> None:
    session = SESSIONS[outlet.energy]
    for message, (name, nth) in session.messages.items():
        site = VirtualSite(outlet=outlet)
        wrong = Misbehaviour("other_request", name, nth, value=OTHER_OUTLET[outlet.energy])
        visit = site.visit(CarPlan(energy=(outlet.energy,), misbehaviours=(wrong,)))
        assert visit.answered() == "", message
        ((_, end),) = visit.ends()
        assert end.end in (SessionEnd.CONNECTION_LOST, SessionEnd.TIMEOUT), message
        if message in session.in_transfer:
            assert visit.stage_off_s() <= LOOP_TIMEOUT_S + TIMER_SLACK_S, message
        assert site.visit().car.progress.error is None, message


def test_powers_of_any_size_are_cut_to_those_of_the_outlet() -> None:
    for what in ("huge_exponent", "tiny_exponent"):
        site = VirtualSite(outlet=AC_OUTLET)
        wrong = Misbehaviour(what, "AC_ChargeParameterDiscoveryReq")
        visit = visit_of(site, "dynamic", wrong)
        most_W = max(timed.demand.power_W for timed in visit.demands)
        assert most_W <= (8000.0 if what == "huge_exponent" else 1.0)
