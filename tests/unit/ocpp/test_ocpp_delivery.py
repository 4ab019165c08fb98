"""Delivery and back-off: numbers in, decisions out."""

from __future__ import annotations

from chargepoint.ocpp.back_off import BackOff, BackOffSettings
from chargepoint.ocpp.delivery import Discard, RetryAt, after_refusal, after_silence
from chargepoint.store.rows import OutboxKind, OutboxRow

ROW = OutboxRow("id", "TransactionEvent", "[]", OutboxKind.TRANSACTION, "tx", position=4)


def test_refused_records_wait_longer_each_time_and_end() -> None:
    step, delays = after_refusal(ROW, "InternalError", 4, 10.0, 0.0), []
    while isinstance(step, RetryAt):
        delays.append(step.at_s)
        step = after_refusal(step.row, "InternalError", 4, 10.0, 0.0)
    assert delays == [10.0, 20.0, 30.0]  # E13.FR.03
    assert isinstance(step, Discard)
    assert step.row.position == 4


def test_silence_is_no_refusal_and_other_messages_are_not_repeated() -> None:
    for attempts_max in (1, 5):
        assert after_silence(ROW, False, attempts_max, 10.0, 5.0) == RetryAt(ROW, 15.0)
    other = OutboxRow("id", "SecurityEventNotification", "[]", OutboxKind.OTHER)
    assert isinstance(after_refusal(other, "InternalError", 5, 10.0, 0.0), Discard)


def test_a_message_that_alone_is_ignored_counts_as_refused() -> None:
    """TC_E_41: the central system answers everything else."""
    step = after_silence(ROW, True, 2, 10.0, 0.0)
    assert isinstance(step, RetryAt)
    assert (step.row.attempts, step.at_s) == (1, 10.0)
    last = after_silence(step.row, True, 2, 10.0, 0.0)
    assert isinstance(last, Discard)
    assert "not answered" in last.reason
    event = OutboxRow("id", "SecurityEventNotification", "[]", OutboxKind.OTHER)
    step = after_silence(event, True, 100, 10.0, 0.0)
    assert isinstance(step, RetryAt)
    assert isinstance(after_silence(step.row, True, 100, 10.0, 0.0), Discard)


def test_back_off_doubles_and_stays() -> None:
    back_off = BackOff()
    settings = BackOffSettings(wait_minimum_s=2.0, random_range_s=4.0, repeat_times=3, most_s=1000.0)
    assert [back_off.next_delay_s(settings, 0.0) for _ in range(6)] == [2, 4, 8, 16, 16, 16]
    assert back_off.next_delay_s(settings, 0.5) == 18.0
    back_off.connected()
    assert back_off.next_delay_s(settings, 0.25) == 3.0
    capped = BackOffSettings(2.0, 0.0, 20, 10.0)
    assert [back_off.next_delay_s(capped, 0.0) for _ in range(4)] == [4, 8, 10, 10]
