"""The message sequence: who sent what to whom, and how repetitions are folded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.report.exchange import (
    REPEATS_MIN,
    ExchangedMessage,
    ExchangeMark,
    FoldedMessages,
    MessageWay,
    folded,
    message_of,
    rows_of,
)
from tests.unit.hil.report.report_samples import action, car_message, charge_loop, csms_message

NAMES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=60)


def messages(names: list[str]) -> list[ExchangedMessage]:
    return [ExchangedMessage(float(index), MessageWay.CAR_TO_STATION, name, 1) for index, name in enumerate(names)]


def test_charge_loops_become_one_row_between_the_first_and_the_last() -> None:
    lines = [line for index in range(412) for line in charge_loop(index * 0.1, took_ms=9.0 if index == 200 else 1.0)]
    rows = rows_of(lines)
    assert [type(row).__name__ for row in rows] == [
        *["ExchangedMessage"] * 2,
        "FoldedMessages",
        *["ExchangedMessage"] * 2,
    ]
    fold = rows[2]
    assert isinstance(fold, FoldedMessages)
    assert (fold.names, fold.repeats, fold.slowest_ms) == (("DC_ChargeLoopReq", "DC_ChargeLoopRes"), 410, 9.0)


def test_a_repetition_does_not_reach_over_an_action() -> None:
    lines = [line for index in range(10) for line in charge_loop(float(index))]
    lines.append(action(10.0, "setpoint", power_W=5000))
    lines += [line for index in range(11, 21) for line in charge_loop(float(index))]
    rows = rows_of(lines)
    assert [row.repeats for row in rows if isinstance(row, FoldedMessages)] == [8, 8]
    assert [row.text for row in rows if isinstance(row, ExchangeMark)] == ["setpoint (power_W 5000)"]


def test_another_code_ends_a_repetition() -> None:
    lines = [line for index in range(10) for line in charge_loop(float(index))]
    lines.append(car_message(10.0, "<", "DC_ChargeLoopRes", code="FAILED"))
    last = rows_of(lines)[-1]
    assert isinstance(last, ExchangedMessage)
    assert last.code == "FAILED"


@given(NAMES)
def test_folding_loses_no_message(names: list[str]) -> None:
    unfolded: list[str] = []
    for row in folded(messages(names)):
        unfolded += row.names * row.repeats if isinstance(row, FoldedMessages) else [row.name]  # type: ignore[union-attr]
    assert unfolded == names


@given(NAMES)
def test_few_repetitions_stay(names: list[str]) -> None:
    for row in folded(messages(names)):
        if isinstance(row, FoldedMessages):
            assert row.repeats >= REPEATS_MIN - 2


def test_ways_of_messages() -> None:
    assert message_of(car_message(0.0, ">", "x")).way is MessageWay.CAR_TO_STATION
    assert message_of(car_message(0.0, "<", "x")).way is MessageWay.STATION_TO_CAR
    assert message_of(car_message(0.0, "!", "x")).way is MessageWay.CAR_EVENT
    heard = message_of(csms_message(0.0, "StatusNotification", {"connectorStatus": "Faulted"}))
    assert (heard.way, heard.note) == (MessageWay.STATION_TO_CSMS, "Faulted")
    sent = message_of(csms_message(0.0, "Reset", {"request": {}, "answer": {"status": "Rejected"}}))
    assert (sent.way, sent.code) == (MessageWay.CSMS_TO_STATION, "Rejected")


def test_a_message_with_a_strange_value_is_a_message_still() -> None:
    assert message_of(csms_message(0.0, "x", ["no", "object"])).content == ["no", "object"]
    assert message_of(car_message(0.0, ">", "x", took_ms="soon")).took_ms is None
