"""Each misbehaviour of a car at each message of a DC and an AC session, in both control modes: answer, end, power, log, next car."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from chargepoint.app.log_repeats import cause_of
from chargepoint.evse.stage_order import HLC_DUTY_PERCENT
from chargepoint.model.car import ControlMode
from chargepoint.model.demand import Phase
from hil.simulators.evcc.misbehaviour import KINDS, Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.bounds import absurd
from tests.joined.expected import EXPECTED, SESSIONS, Outcome
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet
from tests.joined.visit import VirtualSite, Visit

pytestmark = pytest.mark.slow

LINES_OF_ONE_CAUSE_MAX = 5
"""In one second, before the log's own bound."""
LINES_MAX = 30
"""Of one visit."""
STAYS_S = 5.0
"""How long the car stays plugged in after its session: the station may call it back meanwhile."""


def cells(what: str, kind: str) -> Iterator[tuple[str, Misbehaviour, Outcome]]:
    """Each message of this kind of session with the misbehaviour at it and its expected outcome."""
    expected = EXPECTED[what]
    for message, (name, nth) in SESSIONS[kind].messages.items():
        if message not in expected.left_out:
            yield message, Misbehaviour(what, name, nth, value=_value(what, name, kind)), expected.at(message, kind)


def _value(what: str, name: str, kind: str) -> str | None:
    """For `other_request`: a request that never may come in place of this one."""
    if what != "other_request":
        return None
    late = {"DC": "DC_PreChargeReq", "AC": "AC_ChargeLoopReq"}[kind]
    return "ServiceDetailReq" if name in (late, "PowerDeliveryReq") else late


@pytest.mark.parametrize("outlet", [DC_OUTLET, AC_OUTLET], ids=lambda outlet: str(outlet.energy))
@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("what", list(KINDS))
def test_each_cell_of_the_matrix(what: str, mode: str, outlet: Outlet) -> None:
    session, energy = SESSIONS[outlet.energy], (outlet.energy,)
    for message, misbehaviour, outcome in cells(what, outlet.energy):
        site = VirtualSite(ControlMode(mode), outlet)
        plan = CarPlan(energy=energy, misbehaviours=(misbehaviour,))
        visit = site.visit(plan, CarSpec(control_mode=mode), stays_s=STAYS_S)
        where = f"{what} at {message}, {outlet.energy}, {mode}: {outcome.name}"
        _check_answer_and_end(visit, outcome, where)
        assert visit.stop_reason() == outcome.stop_reason(message, session), where
        _check_power(visit, outcome.off_within_s(message, session), outlet, where)
        _check_log(visit, where)
        following = site.visit(CarPlan(energy=energy), CarSpec(control_mode=mode))
        assert following.car.progress.error is None, f"{where}: the next car is not served"
        assert following.stop_reason() == "StoppedByEV", where


def _check_answer_and_end(visit: Visit, outcome: Outcome, where: str) -> None:
    assert visit.answered() in outcome.answers, where
    (_, end), *others = visit.ends()
    assert others == [], where
    if outcome.ends:
        assert end.end in outcome.ends, where
    else:
        assert end.end.value == "terminated", where
        assert visit.car.violations == [], where


def _check_power(visit: Visit, off_within_s: float | None, outlet: Outlet, where: str) -> None:
    assert not any(absurd(timed.demand, outlet.capabilities) for timed in visit.demands), where
    if off_within_s is not None:
        assert visit.power_ended_s() <= off_within_s, where
        assert visit.stage_off_s() <= off_within_s, where
    if outlet.energy == "AC":
        _check_contactor(visit, where)


def _check_contactor(visit: Visit, where: str) -> None:
    """AC: no order closes the contactor before the car sent PowerDeliveryReq, and 5 % duty holds while it may be closed."""
    closing = [timed for timed in visit.demands if timed.demand.phase is Phase.TRANSFER]
    assert all(timed.demand.duty_percent == HLC_DUTY_PERCENT and timed.demand.lock for timed in closing), where
    asked_s = [sent.at_s for sent in visit.car.log.entries if sent.direction == ">" and sent.name == "PowerDeliveryReq"]
    assert not closing or (asked_s and asked_s[0] <= closing[0].at_s), where


def _check_log(visit: Visit, where: str) -> None:
    assert len(visit.lines) <= LINES_MAX, where
    causes = Counter((int(line.at_s), cause_of(line.text)) for line in visit.lines)
    assert max(causes.values()) <= LINES_OF_ONE_CAUSE_MAX, where
