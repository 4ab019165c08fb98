"""Each misbehaviour of a car at each message of a DC session, in both control modes: answer, end, power, log, next car."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from chargepoint.app.log_repeats import cause_of
from chargepoint.model.car import ControlMode
from hil.simulators.evcc.misbehaviour import KINDS, Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.bounds import absurd
from tests.joined.expected import EXPECTED, MESSAGES, Outcome
from tests.joined.visit import VirtualSite, Visit

pytestmark = pytest.mark.slow

LINES_OF_ONE_CAUSE_MAX = 5
"""In one second, before the log's own bound."""
LINES_MAX = 30
"""Of one visit."""
STAYS_S = 5.0
"""How long the car stays plugged in after its session: the station may call it back meanwhile."""


def cells(what: str) -> Iterator[tuple[str, Misbehaviour, Outcome]]:
    """Each message of the session with the misbehaviour at it and its expected outcome."""
    expected = EXPECTED[what]
    for message, (name, nth) in MESSAGES.items():
        if message not in expected.left_out:
            yield message, Misbehaviour(what, name, nth, value=_value(what, name)), expected.at(message)


def _value(what: str, name: str) -> str | None:
    """For `other_request`: a request that never may come in place of this one."""
    if what != "other_request":
        return None
    return "ServiceDetailReq" if name in ("DC_PreChargeReq", "PowerDeliveryReq") else "DC_PreChargeReq"


@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("what", list(KINDS))
def test_each_cell_of_the_matrix(what: str, mode: str) -> None:
    for message, misbehaviour, outcome in cells(what):
        site = VirtualSite(ControlMode(mode))
        visit = site.visit(CarPlan(misbehaviours=(misbehaviour,)), CarSpec(control_mode=mode), stays_s=STAYS_S)
        where = f"{what} at {message}, {mode}: {outcome.name}"
        _check_answer_and_end(visit, message, outcome, where)
        _check_power(visit, message, outcome, where)
        _check_log(visit, where)
        following = site.visit(CarPlan(), CarSpec(control_mode=mode))
        assert following.car.progress.error is None, f"{where}: the next car is not served"
        assert following.stop_reason() == "StoppedByEV", where


def _check_answer_and_end(visit: Visit, message: str, outcome: Outcome, where: str) -> None:
    assert visit.answered() in outcome.answers, where
    (_, end), *others = visit.ends()
    assert others == [], where
    if outcome.ends:
        assert end.end in outcome.ends, where
    else:
        assert end.end.value == "terminated", where
        assert visit.car.violations == [], where
    assert visit.stop_reason() == outcome.stop_reason(message), where


def _check_power(visit: Visit, message: str, outcome: Outcome, where: str) -> None:
    assert not any(absurd(timed.demand) for timed in visit.demands), where
    bound_s = outcome.off_within_s(message)
    if bound_s is not None:
        assert visit.power_ended_s() <= bound_s, where
        assert visit.stage_off_s() <= bound_s, where


def _check_log(visit: Visit, where: str) -> None:
    assert len(visit.lines) <= LINES_MAX, where
    causes = Counter((int(line.at_s), cause_of(line.text)) for line in visit.lines)
    assert max(causes.values()) <= LINES_OF_ONE_CAUSE_MAX, where
