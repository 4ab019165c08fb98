"""The central system's clock: no single answer moves it far, no step falls into a transaction, and the journal says each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.ocpp.blocks.effects import Post, WriteJournal
from chargepoint.ocpp.central_clock import (
    CONFIRM_WITHIN_S,
    OFFSET_MIN_S,
    STEP_MAX_S,
    Adopted,
    AskAgain,
    CentralClock,
    RefusedTime,
)
from chargepoint.ocpp.moment import Moment

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

T0_S = 1_772_366_400.0


def text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat().replace("+00:00", "Z")


def learn(
    clock: CentralClock, offset_s: float, at_s: float = 0.0, round_trip_s: float = 0.0, in_transaction: bool = False
) -> object:
    """The central system's clock is `offset_s` ahead of the station's, and said so without a delay on the way back."""
    own = Moment(at_s, T0_S + at_s)
    return clock.learn(text(own.utc_s + offset_s), own, round_trip_s, in_transaction=in_transaction)


def test_the_first_answer_of_a_life_sets_the_clock() -> None:
    assert learn(CentralClock(), 3600.0) == Adopted(3600.0, 3600.0)
    assert learn(CentralClock(), 3600.0, in_transaction=True) == AskAgain(3600.0)
    assert isinstance(learn(CentralClock(), STEP_MAX_S + 2.0), RefusedTime)
    clock = CentralClock()
    learn(clock, 0.0)
    assert learn(clock, 3600.0) == AskAgain(3600.0)


def test_a_step_needs_a_second_answer() -> None:
    clock = CentralClock(0.0)
    assert learn(clock, 3600.0) == AskAgain(3600.0)
    assert clock.offset_s == 0.0
    assert learn(clock, 3600.0, 1.0) == Adopted(3600.0, 3600.0)
    assert learn(clock, 3600.4, 2.0) is None  # the network's share


def test_an_answer_that_disagrees_confirms_nothing() -> None:
    clock = CentralClock(0.0)
    assert learn(clock, 3600.0) == AskAgain(3600.0)
    assert learn(clock, 1800.0, 1.0) == AskAgain(1800.0)
    assert learn(clock, 0.0, 2.0) is None
    assert learn(clock, 1800.0, 3.0) == AskAgain(1800.0)
    assert learn(clock, 1800.0, 4.0 + CONFIRM_WITHIN_S) == AskAgain(1800.0)  # the first is forgotten
    assert clock.offset_s == 0.0


def test_three_days_are_refused_and_said_once() -> None:
    clock = CentralClock(0.0)
    verdict = learn(clock, 3 * 86_400.0)
    assert isinstance(verdict, RefusedTime)
    assert "+259200 s" in verdict.text and "set the station's clock" in verdict.text
    assert [learn(clock, 3 * 86_400.0, float(second)) for second in range(1, 5)] == [None] * 4
    assert clock.offset_s == 0.0


def test_a_station_without_a_clock_takes_the_first_plausible_answer() -> None:
    clock, own = CentralClock(0.0), Moment(5.0, 1000.0)  # 1970
    assert clock.learn(text(T0_S), own, 0.0, in_transaction=True) == Adopted(T0_S - 1000.0, T0_S - 1000.0)
    assert clock.at(own).utc_s == T0_S


def test_a_step_waits_for_the_end_of_the_transaction() -> None:
    clock = CentralClock(0.0)
    learn(clock, 90.0, in_transaction=True)
    assert learn(clock, 90.0, 1.0, in_transaction=True) is None
    assert clock.offset_s == 0.0
    assert clock.transaction_over() == Adopted(90.0, 90.0)
    assert clock.transaction_over() is None


@pytest.mark.parametrize(("round_trip_s", "moves"), [(0.0, True), (4.9, True), (5.1, False), (30.0, False)])
def test_a_slow_answer_is_no_step(round_trip_s: float, moves: bool) -> None:
    """A time that lay 6 s on its way says that the clock is between 6 s behind and right."""
    clock = CentralClock(0.0)
    verdict = learn(clock, -6.0, round_trip_s=round_trip_s)
    assert isinstance(verdict, AskAgain) is moves


@given(
    offsets=st.lists(st.floats(-2 * STEP_MAX_S, 2 * STEP_MAX_S), min_size=1, max_size=30),
    gap_s=st.floats(0.1, 400.0),
)
def test_whatever_is_answered_no_step_is_unconfirmed_or_too_long(offsets: list[float], gap_s: float) -> None:
    clock, asked = CentralClock(0.0), None
    for number, offset_s in enumerate(offsets):
        before_s = clock.offset_s
        verdict = learn(clock, offset_s, number * gap_s)
        if clock.offset_s != before_s:
            assert isinstance(verdict, Adopted)
            assert OFFSET_MIN_S <= abs(verdict.step_s) <= STEP_MAX_S
            assert asked is not None
        asked = offset_s if isinstance(verdict, AskAgain) else None if clock.offset_s != before_s else asked


# -- with the station ----------------------------------------------------------------------------------------------------


def heartbeat(desk: Desk, offset_s: float) -> None:
    desk.answered("Heartbeat", {}, {"currentTime": text(desk.moment.utc_s + offset_s)})


def journal(desk: Desk) -> list[str]:
    return [effect.text for effect in desk.effects if isinstance(effect, WriteJournal)]


def test_the_station_asks_again_writes_it_down_and_keeps_it(desk: Desk) -> None:
    desk.sent.clear()
    heartbeat(desk, 120.0)
    assert [send.action for send in desk.sent] == ["Heartbeat"]
    heartbeat(desk, 120.0)
    assert desk.now.utc_s == desk.moment.utc_s + 120.0
    assert "clock corrected by +120.0 s" in journal(desk)[-1]
    assert [e.payload["type"] for e in desk.effects if isinstance(e, Post)][-1] == "SettingSystemTime"
    desk.restart()
    assert desk.now.utc_s == desk.moment.utc_s + 120.0


def test_a_small_step_is_no_security_event(desk: Desk) -> None:
    for _ in range(2):
        heartbeat(desk, 20.0)
    assert "corrected by +20.0 s" in journal(desk)[-1]
    assert "SettingSystemTime" not in [e.payload["type"] for e in desk.effects if isinstance(e, Post)]


def test_during_a_transaction_the_clock_stands(desk: Desk) -> None:
    desk.port.begin()
    for _ in range(3):
        heartbeat(desk, 300.0)
    assert desk.now.moment == desk.moment
    desk.due()
    assert desk.now.moment == desk.moment
    desk.port.end()
    desk.due()
    assert desk.now.utc_s == desk.moment.utc_s + 300.0


def test_a_refused_time_is_in_the_journal(desk: Desk) -> None:
    heartbeat(desk, 3 * 86_400.0)
    assert "+259200 s" in journal(desk)[-1]
    assert desk.now.moment == desk.moment
