"""Pause, a lost connection, and the way back into the same session: over the whole conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import EvseNotification, Processing, ResponseCode
from chargepoint.model.car import CarIdentified, ControlMode, SessionEnd
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.iso20.conftest import SESSION_ID, ScriptedCar

NewCar = Callable[..., ScriptedCar]
LEAF = b"the certificate of one car"
MODES = pytest.mark.parametrize("mode", list(ControlMode))
PIECES = (PowerPiece(1800.0, 11_000.0, 5_000.0), PowerPiece(84_600.0, 7_000.0, 0.0))


def stop_request(car: ScriptedCar, how: cm.ChargingSession, **more: Any) -> cm.SessionStopReq:
    return cm.SessionStopReq(Header=car.header(), ChargingSession=how, **more)


def paused(new_car: NewCar, mode: ControlMode, leaf: bytes | None = LEAF) -> tuple[ScriptedCar, KeptSession | None]:
    """A car that paused in order because the station asked."""
    car = new_car(mode, leaf=leaf)
    car.foreseen = PIECES
    car.reach(State.CHARGE_LOOP)
    car.wish(Wish.PAUSE, 60.0)
    status = car.ask(car.charge_loop()).EVSEStatus
    assert (status.EVSENotification, status.NotificationMaxDelay) == (EvseNotification.Pause, 60)
    car.send(car.power_delivery(cm.ChargeProgress.Stop))
    car.see(stage=Stage.OFF, voltage_V=10.0, current_A=0.0)
    answer = car.ask(stop_request(car, cm.ChargingSession.Pause))
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.ended
    return car, car.secc.kept


def back(
    new_car: NewCar, kept: KeptSession | None, leaf: bytes | None = LEAF, asked_id: bytes = SESSION_ID, **more: Any
) -> Any:
    """The car on a new connection, and the answer to its SessionSetupReq."""
    car = new_car(kept=kept, leaf=leaf, **more)
    car.foreseen = PIECES
    car.agree()
    car.session_id = asked_id
    answer = car.ask(car.request(cm.SessionSetupReq))
    car.session_id = answer.Header.SessionID
    return car, answer


@MODES
def test_a_pause_ends_the_connection_and_keeps_the_session(new_car: NewCar, mode: ControlMode) -> None:
    car, kept = paused(new_car, mode)
    end = car.events[-1]
    assert (end.end, end.resumable) == (SessionEnd.PAUSED, True)
    assert kept is not None
    assert kept.paused
    assert kept.session_id == SESSION_ID
    assert KeptSession.from_json(kept.to_json()) == kept


@MODES
def test_the_same_car_joins_its_session_and_goes_on_with_charge_parameters(new_car: NewCar, mode: ControlMode) -> None:
    _, kept = paused(new_car, mode)
    assert kept is not None
    car, answer = back(new_car, KeptSession.from_json(kept.to_json()), mode=mode)
    assert answer.ResponseCode is ResponseCode.OK_OldSessionJoined
    assert answer.Header.SessionID == SESSION_ID
    assert car.secc.session.state is State.CHARGE_PARAMETER_DISCOVERY
    identified = next(e for e in car.events if isinstance(e, CarIdentified))
    assert identified.joined
    for state in (State.CHARGE_PARAMETER_DISCOVERY, State.SCHEDULE_EXCHANGE, State.CABLE_CHECK, State.PRE_CHARGE):
        car.step(state)
    car.step(State.POWER_DELIVERY)
    assert car.ask(car.charge_loop()).ResponseCode is ResponseCode.OK
    assert car.demands()[-1].control_mode is mode


def schedule_of(answer: cm.ScheduleExchangeRes) -> tuple[int, int, list[int]]:
    assert answer.Scheduled_SEResControlMode is not None
    (offered,) = answer.Scheduled_SEResControlMode.ScheduleTuple
    power = offered.ChargingSchedule.PowerSchedule
    return (
        offered.ScheduleTupleID,
        power.TimeAnchor,
        [e.Duration for e in power.PowerScheduleEntries.PowerScheduleEntry],
    )


def test_the_schedule_of_before_the_pause_is_offered_again(new_car: NewCar) -> None:
    before, kept = paused(new_car, ControlMode.SCHEDULED)
    car, _ = back(new_car, kept, mode=ControlMode.SCHEDULED)
    car.wait(30.0)
    car.step(State.CHARGE_PARAMETER_DISCOVERY)
    car.foreseen = (PowerPiece(86_400.0, 11_000.0, 5_000.0),)
    tuple_id, anchor, durations = schedule_of(car.step(State.SCHEDULE_EXCHANGE)[0])
    assert before.secc.session.schedule is not None
    assert (tuple_id, anchor) == (1, before.secc.session.schedule.anchor_utc_s)
    assert durations == [1800, 84_600]


def test_a_schedule_that_the_station_cannot_keep_any_more_is_made_anew(new_car: NewCar) -> None:
    _, kept = paused(new_car, ControlMode.SCHEDULED)
    car, _ = back(new_car, kept, mode=ControlMode.SCHEDULED)
    car.wait(30.0)
    car.step(State.CHARGE_PARAMETER_DISCOVERY)
    car.foreseen = (PowerPiece(86_400.0, 4_000.0, 0.0),)
    _, anchor, durations = schedule_of(car.step(State.SCHEDULE_EXCHANGE)[0])
    assert anchor == car.now.utc_s
    assert durations == [86_400]


@pytest.mark.parametrize(
    ("leaf", "asked_id"),
    [(b"another car", SESSION_ID), (None, SESSION_ID), (LEAF, bytes(8)), (LEAF, b"\xff" * 8)],
    ids=["another certificate", "no certificate", "no id", "another id"],
)
def test_no_other_car_and_no_other_id_joins(new_car: NewCar, leaf: bytes | None, asked_id: bytes) -> None:
    _, kept = paused(new_car, ControlMode.DYNAMIC)
    fresh = b"freshid!"
    car, answer = back(new_car, kept, leaf=leaf, asked_id=asked_id, session_id=fresh)
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert answer.Header.SessionID == fresh
    assert car.secc.session.state is State.AUTHORIZATION_SETUP


def test_a_car_without_a_certificate_may_pause_and_gets_a_new_session(new_car: NewCar) -> None:
    car, kept = paused(new_car, ControlMode.DYNAMIC, leaf=None)
    assert kept is None
    assert not car.events[-1].resumable


@pytest.mark.parametrize("what", ["another protocol", "a set that is not offered", "rubbish"])
def test_what_cannot_be_recalled_is_a_new_session(new_car: NewCar, what: str) -> None:
    _, kept = paused(new_car, ControlMode.DYNAMIC)
    assert kept is not None
    changed = {
        "another protocol": replace(kept, protocol="iso15118-2"),
        "a set that is not offered": replace(kept, data={**kept.data, "parameter_set_id": 99}),
        "rubbish": replace(kept, data={"choice": []}),
    }[what]
    _, answer = back(new_car, changed, session_id=b"freshid!")
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"protocol": 1}', '{"protocol":"x","session_id":"zz"}'])
def test_a_kept_session_that_was_not_written_by_us_is_an_error_and_no_session(text: str) -> None:
    with pytest.raises(ValueError):
        KeptSession.from_json(text)


def test_a_dynamic_car_may_pause_only_when_asked(new_car: NewCar) -> None:
    car = new_car(leaf=LEAF).reach(State.SESSION_STOP)
    answer = car.ask(stop_request(car, cm.ChargingSession.Pause))
    assert answer.ResponseCode is ResponseCode.FAILED_PauseNotAllowed
    assert car.secc.kept is None


@pytest.mark.parametrize(("planned_W", "allowed"), [((0.0,), True), ((5_000.0,), False)])
def test_a_scheduled_car_may_pause_where_its_profile_plans_nothing(
    new_car: NewCar, planned_W: tuple[float, ...], allowed: bool
) -> None:
    car = new_car(ControlMode.SCHEDULED, leaf=LEAF).reach(State.POWER_DELIVERY)
    car.send(car.power_delivery(profile_W=planned_W))
    car.see(stage=Stage.TRANSFER)
    car.ask(car.charge_loop())
    car.send(car.power_delivery(cm.ChargeProgress.Stop))
    car.see(stage=Stage.OFF)
    answer = car.ask(stop_request(car, cm.ChargingSession.Pause))
    assert answer.ResponseCode is (ResponseCode.OK if allowed else ResponseCode.FAILED_PauseNotAllowed)


def test_the_delay_of_a_notification_counts_down(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.wish(Wish.PAUSE, 60.0)
    delays = []
    for _ in range(5):
        delays.append(car.ask(car.charge_loop()).EVSEStatus.NotificationMaxDelay)
        car.wait(0.4)
    assert delays == [60, 60, 60, 59, 59]


def test_a_lost_connection_keeps_what_was_agreed(new_car: NewCar) -> None:
    car = new_car(leaf=LEAF).reach(State.CHARGE_LOOP)
    car.secc.peer_gone("reset")
    car.answers()
    assert car.events[-1].resumable
    kept = car.secc.kept
    assert kept is not None
    assert not kept.paused
    assert back(new_car, kept)[1].ResponseCode is ResponseCode.OK_OldSessionJoined


@pytest.mark.parametrize("how", ["terminated", "wrong message", "emergency"])
def test_an_ended_session_is_not_kept(new_car: NewCar, how: str) -> None:
    car = new_car(leaf=LEAF).reach(State.CHARGE_LOOP)
    match how:
        case "terminated":
            car.ask(stop_request(car, cm.ChargingSession.Terminate))
        case "wrong message":
            car.ask(car.request(cm.ServiceDiscoveryReq))
        case _:
            car.see(emergency=True)
            car.ask(car.charge_loop())
    assert car.secc.ended
    assert car.secc.kept is None
    assert not car.events[-1].resumable


def test_nothing_is_kept_before_anything_is_agreed(new_car: NewCar) -> None:
    car = new_car(leaf=LEAF).reach(State.SERVICE_SELECTION)
    assert car.secc.kept is None
    car.step(State.SERVICE_SELECTION)
    assert car.secc.kept is not None


def test_power_does_not_follow_from_joining_alone(new_car: NewCar) -> None:
    """A joined session whose transaction is over gets no voltage."""
    _, kept = paused(new_car, ControlMode.DYNAMIC)
    car, _ = back(new_car, kept)
    car.see(may_energise=False)
    car.step(State.CHARGE_PARAMETER_DISCOVERY)
    car.step(State.SCHEDULE_EXCHANGE)
    answer = car.ask(car.request(dc.DC_CableCheckReq))
    assert answer.ResponseCode is ResponseCode.FAILED
    assert answer.EVSEProcessing is Processing.Finished
