"""Each misbehaviour of a car at each message of a DC and an AC session, in both control modes: answer, end, power, log, next car."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chargepoint.model.car import ControlMode
from hil.simulators.evcc.misbehaviour import KINDS, Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.checks import check_answer_and_end, check_log, check_power
from tests.joined.expected import EXPECTED, SESSIONS, Outcome
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet
from tests.joined.visit import VirtualSite

pytestmark = pytest.mark.slow

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
        check_answer_and_end(visit, outcome, where)
        assert visit.stop_reason() == outcome.stop_reason(message, session), where
        check_power(visit, outcome.off_within_s(message, session), outlet, where)
        check_log(visit, where)
        following = site.visit(CarPlan(energy=energy), CarSpec(control_mode=mode))
        assert following.car.progress.error is None, f"{where}: the next car is not served"
        assert following.stop_reason() == "StoppedByEV", where
