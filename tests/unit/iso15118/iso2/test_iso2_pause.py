"""A car of ISO 15118-2 pauses, and comes back into its session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import ChargingSession, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import (
    AuthorizationWanted,
    CarIdentified,
    CarSessionEnded,
    ScheduleOffered,
    SessionEnd,
    WishFollowed,
)
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.car_on_connection import SESSION_ID
from tests.unit.iso15118.iso2.car import BEFORE, Iso2Car


def paused(*, ac: bool = False) -> KeptSession:
    """What is kept of a car that charged 100 s and paused."""
    car = Iso2Car(ac=ac)
    car.foreseen = (PowerPiece(3600, 10_000.0, 0.0), PowerPiece(3600, 5_000.0, 0.0))
    car.reach(BEFORE[ac][-1])
    assert car.ask(car.session_stop(ChargingSession.Pause)).ResponseCode is ResponseCode.OK
    ended = car.learned(CarSessionEnded)[-1]
    assert (ended.end, ended.resumable) == (SessionEnd.PAUSED, True)
    assert car.learned(WishFollowed)[-1].wish is Wish.PAUSE
    kept = car.secc.kept
    assert kept is not None
    return kept


def setup(car: Iso2Car, session_id: bytes) -> ResponseCode:
    car.agree()
    answer = car.ask(car.request(Iso2State.SESSION_SETUP), session_id)
    car.session_id = car.heard_id
    code = answer.ResponseCode
    assert isinstance(code, ResponseCode)
    return code


@pytest.mark.parametrize("ac", [False, True])
def test_the_same_id_joins_and_the_whole_sequence_is_replayed(ac: bool) -> None:
    kept = KeptSession.from_json(paused(ac=ac).to_json())  # through the disk
    car = Iso2Car(ac=ac, kept=kept, session_id=b"\x77" * 8)
    assert setup(car, SESSION_ID) is ResponseCode.OK_OldSessionJoined
    assert car.heard_id == SESSION_ID
    identified = car.learned(CarIdentified)[-1]
    assert (identified.joined, identified.known) == (True, True)
    for state in BEFORE[ac][1:]:
        for answer in car.step(state):
            assert answer.ResponseCode is ResponseCode.OK
    assert car.learned(AuthorizationWanted) == []


def test_the_kept_schedule_goes_on_where_it_was() -> None:
    kept = paused()
    car = Iso2Car(kept=kept)
    car.t += 1800.0
    car.see()
    setup(car, SESSION_ID)
    for state in BEFORE[False][1:4]:
        car.step(state)
    answer = car.ask(car.charge_parameters())
    entries = answer.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry
    seen = [(e.TimeInterval.start, e.TimeInterval.duration, number(e.PMax)) for e in entries]
    left_s = kept.data["schedule"]["anchor_utc_s"] + 3600 - car.now.utc_s
    assert seen == [(0, None, 10_000.0), (left_s, 3600, 5_000.0)]
    assert car.learned(ScheduleOffered)[-1].offer.anchor_utc_s == kept.data["schedule"]["anchor_utc_s"]


def test_a_station_that_can_less_now_makes_a_new_schedule() -> None:
    car = Iso2Car(kept=paused())
    car.foreseen = (PowerPiece(7200, 3_000.0, 0.0),)
    setup(car, SESSION_ID)
    for state in BEFORE[False][1:4]:
        car.step(state)
    answer = car.ask(car.charge_parameters())
    entries = answer.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry
    assert [number(e.PMax) for e in entries] == [3_000.0]


@pytest.mark.parametrize("session_id", [b"\x00", bytes(8), b"\x05" * 8])
def test_another_id_gets_a_new_session(session_id: bytes) -> None:
    car = Iso2Car(kept=paused(), session_id=b"\x77" * 8)
    assert setup(car, session_id) is ResponseCode.OK_NewSessionEstablished
    assert car.heard_id == b"\x77" * 8


def test_the_id_is_compared_by_value() -> None:
    kept = replace(paused(), session_id=bytes(6) + b"\x01\x02")
    assert setup(Iso2Car(kept=kept), b"\x01\x02") is ResponseCode.OK_OldSessionJoined


@pytest.mark.parametrize(
    "change",
    [
        {"transaction_id": TransactionId("tx-2")},
        {"protocol": "iso15118-20"},
        {"data": {}},
        {"data": {"payment": "Barter", "schedule_round": 0, "schedule": None}},
    ],
)
def test_what_is_not_this_cars_session_is_not_joined(change: dict[str, object]) -> None:
    kept = replace(paused(), **change)  # type: ignore[arg-type]
    assert setup(Iso2Car(kept=kept), SESSION_ID) is ResponseCode.OK_NewSessionEstablished


def test_a_car_that_is_lost_is_not_kept() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.loop()
    car.secc.peer_gone("connection reset")
    assert car.secc.kept is None


def test_a_car_without_a_transaction_is_not_kept() -> None:
    car = Iso2Car().reach(Iso2State.WELDING_DETECTION)
    car.see(transaction_id=None, stage=Stage.OFF)
    car.ask(car.session_stop(ChargingSession.Pause))
    assert car.learned(CarSessionEnded)[-1].resumable is False
    assert car.secc.kept is None
