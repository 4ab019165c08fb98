"""Each misbehaviour of a car of ISO 15118-2 or DIN 70121 at each of its messages: answer, end, power, log, next car."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.model.demand import Phase
from hil.simulators.evcc.habits import Habits
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan, OfferedProtocol
from tests.joined.checks import check_answer_and_end, check_log, check_power
from tests.joined.din_iso2_expected import DIN, DIN_ISO2_EXPECTED, DIN_ISO2_KINDS, ISO2_DC, DinIso2Kind
from tests.joined.expected import TIMER_SLACK_S, Outcome
from tests.joined.outlet import DC_OUTLET
from tests.joined.station import LOOP_TIMEOUT_S
from tests.joined.visit import VirtualSite

pytestmark = pytest.mark.slow

STAYS_S = 5.0
"""How long the car stays plugged in after its session: the station may call it back meanwhile."""


def plan_of(kind: DinIso2Kind, *misbehaviours: Misbehaviour) -> CarPlan:
    return CarPlan(
        energy=(kind.outlet.energy,),
        protocols=(OfferedProtocol(kind.namespace, major=2),),
        misbehaviours=misbehaviours,
    )


def misbehaviour_at(kind: DinIso2Kind, what: str, message: str) -> Misbehaviour:
    name, nth = kind.session.messages[message]
    value = None
    if what == "other_request":
        value = "ServiceDiscoveryReq" if name in (kind.never_next, "PowerDeliveryReq") else kind.never_next
    return Misbehaviour(what, name, nth, value=value)


@pytest.mark.parametrize("name", list(DIN_ISO2_KINDS))
@pytest.mark.parametrize("what", list(DIN_ISO2_EXPECTED))
def test_each_cell_of_the_matrix(what: str, name: str) -> None:
    kind, expected = DIN_ISO2_KINDS[name], DIN_ISO2_EXPECTED[what]
    for message in kind.session.messages:
        if message in expected.left_out:
            continue
        outcome: Outcome = expected.at(message, name)
        site = VirtualSite(outlet=kind.outlet)
        visit = site.visit(plan_of(kind, misbehaviour_at(kind, what, message)), stays_s=STAYS_S)
        where = f"{what} at {message}, {name}: {outcome.name}"
        check_answer_and_end(visit, outcome, where)
        assert visit.stop_reason() == outcome.stop_reason(message, kind.session), where
        check_power(visit, outcome.off_within_s(message, kind.session), kind.outlet, where)
        if outcome.ends and kind.outlet is DC_OUTLET:
            assert visit.power_ended_s() <= LOOP_TIMEOUT_S + TIMER_SLACK_S, where
        check_log(visit, where)
        following = site.visit(plan_of(kind))
        assert following.car.progress.error is None, f"{where}: the next car is not served"
        assert following.stop_reason() == "StoppedByEV", where
        other = site.visit(CarPlan(energy=(kind.outlet.energy,)))
        assert other.car.progress.error is None, f"{where}: the next car of ISO 15118-20 is not served"


@pytest.mark.parametrize("name", [DIN, ISO2_DC])
@pytest.mark.parametrize(("welding", "request_name"), [(True, "WeldingDetectionReq"), (False, "SessionStopReq")])
def test_a_car_that_stays_in_pilot_c_after_its_stop_ends_nobody_else(
    name: str, welding: bool, request_name: str
) -> None:
    """The first answer after PowerDelivery(Stop) waits for B, and is FAILED; a car that said good-bye has left. The next car is served."""
    kind = DIN_ISO2_KINDS[name]
    site = VirtualSite(outlet=kind.outlet)
    plan = replace(plan_of(kind), habits=Habits(checks_welding=welding))
    visit = site.visit(plan, stays_s=STAYS_S, pilot_stuck=True)
    assert visit.car.progress.error == f"{request_name.removesuffix('Req')}Res: FAILED"
    answer = next(e for e in reversed(visit.car.log.entries) if e.direction == "<")
    assert answer.took_ms is not None and 1_400 <= answer.took_ms <= 1_600
    assert visit.stop_reason() == ("EVDisconnected" if welding else "StoppedByEV")
    assert visit.demands[-1].demand.phase is Phase.OFF
    following = site.visit(plan_of(kind))
    assert following.car.progress.error is None
    assert following.stop_reason() == "StoppedByEV"
