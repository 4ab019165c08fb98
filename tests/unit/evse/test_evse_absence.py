"""A car that pauses, or whose connection is lost, keeps its transaction; power is off at once all the same."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.evse.absence import AWAKE_S, RETURN_S
from chargepoint.evse.events import EndTransaction, UpdateTransaction
from chargepoint.model.car import SessionEnd, WishFollowed
from chargepoint.model.demand import Phase, PilotCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.station_view import Wish
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason

LOST = [SessionEnd.CONNECTION_LOST, SessionEnd.TIMEOUT]


def paused(station: Any) -> Any:
    station.transferring()
    station.asks(Phase.OFF)
    station.see(stage=Stage.OFF, pilot=ControlPilot.B)
    station.car_ends(SessionEnd.PAUSED, resumable=True)
    return station


def test_a_pause_keeps_the_transaction_for_as_long_as_it_takes(station: Any) -> None:
    paused(station).live(3 * 3600.0 / 10)
    assert station.of(EndTransaction) == []
    assert station.session.view.paused
    assert station.session.view.charging_state is ChargingState.SUSPENDED_EV
    assert station.of(UpdateTransaction)[-1].charging_state is ChargingState.SUSPENDED_EV


def test_a_pause_leaves_no_power_and_a_sleeping_pilot(station: Any) -> None:
    paused(station).t += 2.0
    order = station.order()
    assert (order.phase, order.power_W, order.pilot) == (Phase.OFF, 0.0, PilotCommand.X1)
    assert not order.lock


def test_a_paused_car_that_moves_its_pilot_gets_5_percent_for_a_while(station: Any) -> None:
    paused(station)
    station.see(pilot=ControlPilot.C)
    station.see(pilot=ControlPilot.B)
    assert station.order().pilot is PilotCommand.PWM
    station.t += AWAKE_S
    assert station.order().pilot is PilotCommand.X1


def test_a_pilot_that_is_still_in_c_when_the_car_leaves_is_no_call(station: Any) -> None:
    station.transferring()
    station.asks(Phase.OFF)
    station.see(stage=Stage.OFF)
    station.car_ends(SessionEnd.PAUSED, resumable=True)
    station.live(2.0)
    assert station.order().pilot is PilotCommand.X1
    station.see(pilot=ControlPilot.B)
    assert station.order().pilot is PilotCommand.X1
    station.see(pilot=ControlPilot.C)
    assert station.order().pilot is PilotCommand.PWM


def test_a_car_that_called_while_the_daemon_was_away_finds_5_percent(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    token = IdToken("04A1B2C3", IdTokenType.ISO14443)
    station.session.resume(
        TransactionId("before"), token, StopReason.REBOOT, station.t, paused=True, started_s=station.t
    )
    assert station.order().pilot is PilotCommand.PWM
    station.t += AWAKE_S
    assert station.order().pilot is PilotCommand.X1


def test_a_paused_car_that_comes_back_charges_in_the_same_transaction(station: Any) -> None:
    paused(station)
    station.connect()
    assert not station.session.view.paused
    assert station.order().pilot is PilotCommand.PWM
    station.asks(Phase.TRANSFER)
    station.see(stage=Stage.TRANSFER, pilot=ControlPilot.C, target_W=5000.0)
    assert station.order().power_W == 5000.0
    assert len(station.begins()) == 1
    assert station.ends() == []


def test_a_paused_car_is_called_back_when_the_station_wants_it(station: Any) -> None:
    paused(station)
    station.session.ask_car(None, station.t)
    station.live(0.2)
    assert station.order().pilot is PilotCommand.X1  # the step of the call
    station.live(4.0)
    assert station.order().pilot is PilotCommand.PWM


@pytest.mark.parametrize("how", ["unplugged", "stopped"])
def test_a_paused_transaction_ends_as_any_other(station: Any, how: str) -> None:
    paused(station)
    if how == "unplugged":
        station.see(pilot=ControlPilot.A)
        (end,) = station.ends()
        assert end.reason is StopReason.EV_DISCONNECTED
    else:
        station.present()
        station.see()
        (end,) = station.ends()
        assert end.reason is StopReason.LOCAL
    assert not station.session.view.paused


@pytest.mark.parametrize("end", LOST)
def test_a_lost_car_has_no_power_at_once_and_its_transaction_for_a_while(station: Any, end: SessionEnd) -> None:
    station.transferring()
    station.car_ends(end, resumable=True)
    assert station.order().phase is Phase.OFF
    station.see(stage=Stage.OFF)
    station.live(RETURN_S - 1.0)
    assert station.ends() == []
    station.live(2.0)
    (ended,) = station.of(EndTransaction)
    assert (ended.reason, ended.trigger) == (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST)
    assert "did not come back" in ended.detail


@pytest.mark.parametrize("end", LOST)
def test_a_lost_car_that_comes_back_in_time_goes_on(station: Any, end: SessionEnd) -> None:
    station.transferring()
    station.car_ends(end, resumable=True)
    station.see(stage=Stage.OFF)
    station.live(RETURN_S - 1.0)
    station.connect()
    station.live(2 * RETURN_S)
    assert station.ends() == []
    assert station.session.authorized


@pytest.mark.parametrize("end", LOST)
def test_a_lost_car_that_cannot_be_recognised_ends_its_transaction_at_once(station: Any, end: SessionEnd) -> None:
    station.transferring()
    station.car_ends(end, resumable=False)
    station.see(stage=Stage.OFF)
    assert len(station.ends()) == 1


def test_a_stopping_transaction_does_not_wait_for_a_lost_car(station: Any) -> None:
    station.transferring()
    station.present()
    station.car_ends(SessionEnd.CONNECTION_LOST, resumable=True)
    station.see(stage=Stage.OFF)
    (end,) = station.ends()
    assert end.reason is StopReason.LOCAL


def test_a_transaction_of_the_previous_run_goes_on_asleep(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    token = IdToken("04A1B2C3", IdTokenType.ISO14443)
    station.session.resume(
        TransactionId("before"), token, StopReason.REBOOT, station.t, paused=True, started_s=station.t
    )
    station.live(100.0)
    view = station.session.view
    assert (view.transaction_id, view.paused, view.authorized) == ("before", True, True)
    assert station.begins() == station.ends() == []
    station.see(pilot=ControlPilot.A)
    assert station.ends()[0].reason is StopReason.EV_DISCONNECTED


# -- wishes --------------------------------------------------------------------------------------------------------------


def test_a_wish_is_shown_until_the_car_follows(station: Any) -> None:
    station.transferring()
    station.session.ask_car(Wish.PAUSE, station.t)
    shown = station.session.view.wish
    assert (shown.wish, shown.until_s) == (Wish.PAUSE, station.t + 60.0)
    station.feed(WishFollowed(EvseId(1), Wish.SCHEDULE_RENEGOTIATION))
    assert station.session.view.wish is shown
    station.feed(WishFollowed(EvseId(1), Wish.PAUSE))
    assert station.session.view.wish is None


def test_the_same_wish_again_does_not_begin_anew(station: Any) -> None:
    station.transferring()
    station.session.ask_car(Wish.PAUSE, station.t)
    before = station.session.view.wish
    station.t += 20.0
    station.session.ask_car(Wish.PAUSE, station.t)
    assert station.session.view.wish == before


def test_a_wish_that_is_not_followed_is_given_up_with_a_line(station: Any) -> None:
    station.transferring()
    station.session.ask_car(Wish.SCHEDULE_RENEGOTIATION, station.t)
    for _ in range(450):
        station.asks(Phase.TRANSFER)
        station.live(0.1)
    assert station.session.view.wish is None
    assert any("does not follow" in str(output) for output in station.outputs)


def test_a_car_in_standby_gets_no_power(station: Any) -> None:
    station.transferring()
    station.asks(Phase.TRANSFER, standby=True)
    order = station.order()
    assert (order.phase, order.power_W) == (Phase.TRANSFER, 0.0)
    station.asks(Phase.TRANSFER)
    assert station.order().power_W == 5000.0
