"""Cars of ISO 15118-2 on the bench pause and come back, and make their schedule anew; the joined station serves them."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.model.demand import Phase
from hil.simulators.evcc.din_iso2.loops import charging_status_known
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.habits import Habits
from hil.simulators.evcc.plan import CarPlan, CarWish, OfferedProtocol
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import SessionStep
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet
from tests.joined.visit import VirtualSite, Visit

OUTLETS = pytest.mark.parametrize("outlet", [DC_OUTLET, AC_OUTLET], ids=["dc", "ac"])


def visit(outlet: Outlet, *wishes: CarWish, loops: int = 12, namespace: str = NS_ISO2) -> Visit:
    plan = CarPlan(energy=(outlet.energy,), protocols=(OfferedProtocol(namespace, major=2),), wishes=wishes)
    return VirtualSite(outlet=outlet).visit(plan, loops=loops)


def sent(found: Visit, name: str) -> int:
    return sum(1 for entry in found.car.log.entries if entry.direction == ">" and entry.name == name)


@OUTLETS
def test_a_car_pauses_and_comes_back_to_its_session(outlet: Outlet) -> None:
    found = visit(outlet, CarWish("pause", 4, for_s=3.0))
    assert found.car.progress.error is None
    assert found.car.violations == []
    assert found.car.progress.sessions_joined == 1
    assert [end.end.value for _, end in found.ends()] == ["paused", "terminated"]
    assert sent(found, "SessionSetupReq") == 2
    assert found.car.progress.loops >= 12
    assert found.stop_reason() == "StoppedByEV"
    assert len({record.transaction_id for record in found.records}) == 1


@OUTLETS
def test_a_car_makes_its_schedule_anew(outlet: Outlet) -> None:
    found = visit(outlet, CarWish("schedule_renegotiation", 4))
    assert found.car.progress.error is None
    assert found.car.violations == []
    assert sent(found, "PowerDeliveryReq") == 4  # two starts, the renegotiation, the stop
    is_dc = outlet is DC_OUTLET
    assert (sent(found, "CableCheckReq") >= 4) is is_dc
    phases = [timed.demand.phase for timed in found.demands]
    begun = phases[phases.index(Phase.TRANSFER) :]
    last = len(begun) - 1 - begun[::-1].index(Phase.TRANSFER)
    assert (Phase.OFF in begun[:last]) is is_dc  # a DC car gets a new cable check, an AC car goes on charging
    assert found.stop_reason() == "StoppedByEV"


@OUTLETS
def test_both_in_one_session(outlet: Outlet) -> None:
    wishes = (
        CarWish("schedule_renegotiation", 3),
        CarWish("pause", 6, for_s=2.0),
        CarWish("schedule_renegotiation", 9),
    )
    found = visit(outlet, *wishes, loops=15)
    assert (found.car.progress.error, found.car.violations) == (None, [])
    assert found.car.progress.sessions_joined == 1


def test_din_knows_neither() -> None:
    found = visit(DC_OUTLET, CarWish("pause", 3), CarWish("schedule_renegotiation", 4), loops=8, namespace=NS_DIN)
    assert (found.car.progress.error, found.car.progress.sessions_joined) == (None, 0)
    assert sent(found, "PowerDeliveryReq") == 2


@pytest.mark.parametrize(
    ("obeys", "notification", "follows"),
    [(True, "ReNegotiation", True), (False, "ReNegotiation", False), (True, "None", False)],
)
def test_the_wish_of_the_station_is_followed_where_the_car_has_the_habit(
    obeys: bool, notification: str, follows: bool
) -> None:
    plan = CarPlan(energy=("AC",), habits=Habits(obeys_renegotiation=obeys))
    memory = DinIso2Memory(CarSpec(), plan, namespace=NS_ISO2)
    status = iso2.AC_EVSEStatus(NotificationMaxDelay=0, EVSENotification=iso2.EVSENotification(notification), RCD=False)
    answer = iso2.ChargingStatusRes(
        ResponseCode=iso2.ResponseCode.OK,
        EVSEID="DE*OCP*E1",
        SAScheduleTupleID=1,
        ReceiptRequired=False,
        AC_EVSEStatus=status,
    )
    wanted = SessionStep.POWER_RENEGOTIATE if follows else SessionStep.AC_CHARGE_LOOP
    assert charging_status_known(memory, answer).step is wanted
