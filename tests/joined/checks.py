"""What each cell of the matrix of misbehaviours is held against: answer, end, power, log. `where` names the cell in a failure."""

from __future__ import annotations

from collections import Counter

from chargepoint.app.log_repeats import cause_of
from chargepoint.evse.stage_order import HLC_DUTY_PERCENT
from chargepoint.model.demand import Phase
from tests.joined.bounds import absurd
from tests.joined.expected import Outcome
from tests.joined.outlet import Outlet
from tests.joined.visit import Visit

LINES_OF_ONE_CAUSE_MAX = 5
"""In one second, before the log's own bound."""
LINES_MAX = 30
"""Of one visit."""


def check_answer_and_end(visit: Visit, outcome: Outcome, where: str) -> None:
    """The answer to the misbehaviour is one of the outcome, and the one conversation ended so."""
    assert visit.answered() in outcome.answers, where
    (_, end), *others = visit.ends()
    assert others == [], where
    if outcome.ends:
        assert end.end in outcome.ends, where
    else:
        assert end.end.value == "terminated", where
        assert visit.car.violations == [], where


def check_power(visit: Visit, off_within_s: float | None, outlet: Outlet, where: str) -> None:
    """No order is absurd, and the stage is ordered off in time. `off_within_s` None: the session goes on, without a bound."""
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


def check_log(visit: Visit, where: str) -> None:
    """The visit left few lines, and few of one cause."""
    assert len(visit.lines) <= LINES_MAX, where
    causes = Counter((int(line.at_s), cause_of(line.text)) for line in visit.lines)
    assert max(causes.values()) <= LINES_OF_ONE_CAUSE_MAX, where
