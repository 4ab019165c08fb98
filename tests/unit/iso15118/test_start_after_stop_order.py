"""The station asks for the end before the power is on: the contactor does not close any more (DIN 70121 and ISO 15118-2)."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.model.car import SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.din.conftest import DinCar
from tests.unit.iso15118.iso2.car import Iso2Car


@pytest.mark.parametrize("wish", [Wish.TERMINATE, Wish.PAUSE])
@pytest.mark.parametrize("ac", [False, True])
def test_iso2(ac: bool, wish: Wish) -> None:
    car = Iso2Car(ac=ac).reach(Iso2State.POWER_DELIVERY)
    car.wish(wish)
    answer = car.ask(car.power_delivery())
    assert answer.ResponseCode is iso2.ResponseCode.FAILED_PowerDeliveryNotApplied
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION
    assert all(demand.phase is not Phase.TRANSFER for demand in car.demands())


def test_din() -> None:
    car = DinCar().reach(DinState.PRE_CHARGE)
    car.ask(car.pre_charge())
    car.see(stage=Stage.PRE_CHARGED, voltage_V=399.0)
    car.wish(Wish.TERMINATE)
    answer = car.ask(car.power_delivery(start=True))
    assert answer.ResponseCode is din.ResponseCode.FAILED_PowerDeliveryNotApplied
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION
    assert all(demand.phase is not Phase.TRANSFER for demand in car.demands())


def test_another_wish_does_not_keep_the_power_off() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.POWER_DELIVERY)
    car.wish(Wish.SCHEDULE_RENEGOTIATION)
    (answer,) = car.step(Iso2State.POWER_DELIVERY)
    assert answer.ResponseCode is iso2.ResponseCode.OK
