"""A car with a certificate that vanishes in the transfer: no power at once, its transaction waits for it, and then ends."""

from __future__ import annotations

import pytest

from chargepoint.evse.absence import RETURN_S
from chargepoint.model.image import Contactor
from chargepoint.model.transactions import ChargingState, TransactionEventType
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.spec import CONTROL_MODES, CarSpec
from tests.joined.expected import AT_ONCE_S, SESSIONS, TIMER_SLACK_S
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet
from tests.joined.station import LOOP_TIMEOUT_S
from tests.joined.visit import VirtualSite

OUTLETS = pytest.mark.parametrize("outlet", [DC_OUTLET, AC_OUTLET], ids=lambda outlet: str(outlet.energy))
CERTIFICATE = b"a car's certificate in DER"


@OUTLETS
@pytest.mark.parametrize("pilot_stuck", [True, False], ids=["pilot stays in C", "pilot to B first"])
@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("what", ["silence", "half_frame", "tcp_reset", "fin"])
def test_its_transaction_waits_and_then_ends(what: str, mode: str, outlet: Outlet, pilot_stuck: bool) -> None:
    session = SESSIONS[outlet.energy]
    for message in session.in_transfer:
        name, nth = session.messages[message]
        site = VirtualSite(outlet=outlet, certificate=CERTIFICATE)
        plan = CarPlan(energy=(outlet.energy,), misbehaviours=(Misbehaviour(what, name, nth),))
        visit = site.visit(plan, CarSpec(control_mode=mode), stays_s=RETURN_S + 5.0, pilot_stuck=pilot_stuck)
        lost_at_once = what in ("tcp_reset", "fin")
        bound_s = AT_ONCE_S if lost_at_once else LOOP_TIMEOUT_S + TIMER_SLACK_S
        assert visit.power_ended_s() <= bound_s, message
        assert visit.stage_off_s() <= bound_s, message
        ((_, end),) = visit.ends()
        assert end.resumable, message
        suspended, ended = visit.records[-2:]
        assert suspended.charging_state is ChargingState.SUSPENDED_EV, message
        assert (ended.type, visit.stop_reason()) == (TransactionEventType.ENDED, "Other"), message
        waited_s = (ended.at_utc - suspended.at_utc).total_seconds()
        assert waited_s == pytest.approx(RETURN_S, abs=1.0), message
        assert site.station.stage.image(site.now_s).contactor is Contactor.OPEN, message
        assert site.visit().car.progress.error is None, message


@OUTLETS
@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_a_car_that_comes_back_goes_on_in_its_transaction(mode: str, outlet: Outlet) -> None:
    site = VirtualSite(outlet=outlet, certificate=CERTIFICATE)
    lost = (CarWish("lose_tcp", at_loop=3, for_s=5.0),)
    visit = site.visit(CarPlan(energy=(outlet.energy,), wishes=lost), CarSpec(control_mode=mode), loops=8)
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")
    assert len({record.transaction_id for record in visit.records}) == 1
    codes = [entry.code for entry in visit.car.log.entries if entry.name == "SessionSetupRes"]
    assert codes == ["OK_NewSessionEstablished", "OK_OldSessionJoined"]
