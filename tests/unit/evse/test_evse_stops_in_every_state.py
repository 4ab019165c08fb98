"""Power is zero at once, and the stage is off in the end: whatever the car was doing when the stop came. And nothing comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.evse.events import BeginTransaction, EndTransaction, PowerProcessLost, StopOrdered, WriteLog
from chargepoint.evse.transaction_life import END_DEADLINE_S, STOP_DEADLINE_S
from chargepoint.model.car import AuthorizationWanted, MeterReadingConfirmed, SessionEnd
from chargepoint.model.commands import StopTransaction
from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.transactions import StopReason, TriggerReason
from tests.unit.evse.conftest import EVSE, Station

NewStation = Callable[..., Station]

STOPS: dict[str, Callable[[Station], object]] = {
    "central system": lambda s: s.feed(StopTransaction(TransactionId("tx-1"))),
    "card": lambda s: s.present(),
    "reset": lambda s: s.feed(StopOrdered(StopReason.IMMEDIATE_RESET, TriggerReason.RESET_COMMAND)),
    "emergency stop": lambda s: trip(s),
    "power process lost": lambda s: s.feed(PowerProcessLost()),
    "unplugged": lambda s: s.see(pilot=ControlPilot.A),
}
SITUATIONS: dict[str, Callable[[Station], object]] = {
    "charge loop": lambda s: s.asks(Phase.TRANSFER),
    "renegotiation": lambda s: s.asks(Phase.TRANSFER, good_for_s=10.0),
    "standby": lambda s: s.asks(Phase.TRANSFER, standby=True),
    "paused": lambda s: pause(s),
    "connection lost": lambda s: s.car_ends(SessionEnd.CONNECTION_LOST, resumable=True),
}


def trip(station: Station) -> None:
    station.feed(InterlockTripped(EVSE, FaultCode.EMERGENCY_STOP, station.t, "pressed"))
    station.see(faults=frozenset({FaultCode.EMERGENCY_STOP}), stage=Stage.FAULTED)


def pause(station: Station) -> None:
    station.car_ends(SessionEnd.PAUSED, resumable=True)
    station.see(stage=Stage.OFF)


def stopped(station: Station, situation: str, stop: str) -> None:
    station.transferring()
    SITUATIONS[situation](station)
    STOPS[stop](station)


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_power_is_zero_at_once_and_the_transaction_ends_once(
    new_station: NewStation, situation: str, stop: str
) -> None:
    station = new_station()
    stopped(station, situation, stop)
    assert station.order().power_W == 0.0
    for _ in range(round((STOP_DEADLINE_S + END_DEADLINE_S + 2.0) * 10)):
        station.t += 0.1
        if station.session.view.car_link is not None and station.session.view.car_link.open:
            station.asks(Phase.TRANSFER, good_for_s=10.0)  # a car that does not listen
        station.see(stage=Stage.OFF if station.order().phase is Phase.OFF else station.stage)
        assert station.order().power_W == 0.0
    assert station.order().phase is Phase.OFF
    assert sum(isinstance(o, EndTransaction) for o in station.outputs) == 1
    assert station.session.view.transaction_id is None


@pytest.mark.parametrize("situation", SITUATIONS)
def test_nothing_starts_again_after_an_emergency_stop_was_released(new_station: NewStation, situation: str) -> None:
    station = new_station()
    stopped(station, situation, "emergency stop")
    station.live(10.0)
    station.see(faults=frozenset(), stage=Stage.OFF)
    station.connect()
    station.feed(AuthorizationWanted(EVSE))
    for _ in range(100):
        station.t += 0.1
        station.asks(Phase.CABLE_CHECK)
        station.see()
        assert station.order().phase is Phase.OFF
    assert sum(isinstance(o, BeginTransaction) for o in station.outputs) == 1


@pytest.mark.parametrize(("situation", "locked"), [("charge loop", True), ("standby", True), ("paused", False)])
def test_the_connector_is_locked_while_the_car_talks_and_unlocked_in_a_pause(
    new_station: NewStation, situation: str, locked: bool
) -> None:
    """In a pause no voltage is there, and the driver may leave."""
    station = new_station()
    station.transferring()
    SITUATIONS[situation](station)
    assert station.order().lock is locked


def test_a_confirmation_that_a_car_repeats_is_one_line(new_station: NewStation) -> None:
    station = new_station()
    station.transferring()
    for _ in range(1000):
        station.feed(MeterReadingConfirmed(EVSE, 100, 5, signed=False))
    station.feed(MeterReadingConfirmed(EVSE, 101, 5, signed=False))
    lines = [o.text for o in station.outputs if isinstance(o, WriteLog) and "confirmed" in o.text]
    assert len(lines) == 2
