"""J01.FR.15, J02.FR.10: readings that only the Ended record carries, by intervals of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.instant import Instant
from chargepoint.model.transactions import (
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.transactions.book import RecordMade, TransactionBook
from chargepoint.transactions.ledger import END_SAMPLES_MAX
from chargepoint.transactions.sampling import SamplingIntervals

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
BEGIN, END = ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END
PERIODIC, CLOCK = ReadingContext.SAMPLE_PERIODIC, ReadingContext.SAMPLE_CLOCK


class Charge:
    """A transaction that begins at T0 + 3 s, on a meter that counts a watt-hour each second."""

    def __init__(self, intervals: SamplingIntervals) -> None:
        self.intervals = intervals
        self.t = 3.0
        self.silent = False
        self.book = TransactionBook(EvseId(1), self._sample)
        self.records: list[TransactionRecord] = []
        self.keep(self.book.begin(TransactionId("tx"), TriggerReason.AUTHORIZED, TOKEN, None, intervals, self.at))

    @property
    def at(self) -> Instant:
        return Instant(self.t, T0 + timedelta(seconds=self.t))

    def _sample(self, context: ReadingContext, *, however_old: bool = False) -> MeterSample | None:
        return None if self.silent and not however_old else MeterSample(self.at.utc, context, 100.0 + self.t, 0.0)

    def keep(self, outputs: object) -> None:
        assert isinstance(outputs, list)
        self.records += [output.record for output in outputs if isinstance(output, RecordMade)]

    def run(self, seconds: float, step_s: float = 0.5) -> None:
        for _ in range(round(seconds / step_s)):
            self.t += step_s
            self.keep(self.book.keep_time(self.intervals, self.at))

    def end(self) -> list[tuple[ReadingContext, float]]:
        """Context and second of each reading in the Ended record."""
        self.keep(self.book.end(TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL, None, plugged=True, at=self.at))
        assert self.records[-1].type is TransactionEventType.ENDED
        return [(s.context, (s.at_utc - T0).total_seconds()) for s in self.records[-1].samples]


def test_without_an_interval_the_end_has_begin_and_end() -> None:
    charge = Charge(SamplingIntervals(0.0, 0.0))
    charge.run(20.0)
    assert charge.end() == [(BEGIN, 3.0), (END, 23.0)]


def test_periodic_readings_for_the_end_make_no_record_of_their_own() -> None:
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_periodic_s=5.0))
    charge.run(16.0)
    assert len(charge.records) == 1
    assert charge.end() == [(BEGIN, 3.0), (PERIODIC, 8.0), (PERIODIC, 13.0), (PERIODIC, 18.0), (END, 19.0)]


def test_clock_aligned_readings_for_the_end() -> None:
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_aligned_s=10.0))
    charge.run(20.0)
    assert charge.end() == [(BEGIN, 3.0), (CLOCK, 10.0), (CLOCK, 20.0), (END, 23.0)]


def test_both_rhythms_beside_their_own_records() -> None:
    charge = Charge(SamplingIntervals(4.0, 0.0, ended_periodic_s=5.0, ended_aligned_s=10.0))
    charge.run(9.0)
    assert [r.type for r in charge.records] == [TransactionEventType.STARTED] + [TransactionEventType.UPDATED] * 2
    assert charge.end() == [(BEGIN, 3.0), (PERIODIC, 8.0), (CLOCK, 10.0), (END, 12.0)]


def test_a_silent_meter_leaves_a_reading_out() -> None:
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_periodic_s=5.0))
    charge.run(4.0)
    charge.silent = True
    charge.run(2.0)
    charge.silent = False
    charge.run(5.0)
    assert charge.end() == [(BEGIN, 3.0), (PERIODIC, 13.0), (END, 14.0)]


def test_a_long_transaction_keeps_its_message_short() -> None:
    """J02.FR.20."""
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_periodic_s=1.0))
    charge.run(1000.0, 1.0)
    readings = charge.end()
    assert 50 < len(readings) <= END_SAMPLES_MAX + 2
    seconds = [second for _, second in readings]
    assert seconds == sorted(seconds)


def test_the_next_transaction_begins_without_them() -> None:
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_periodic_s=5.0))
    charge.run(6.0)
    charge.end()
    charge.keep(
        charge.book.begin(TransactionId("tx2"), TriggerReason.AUTHORIZED, TOKEN, None, charge.intervals, charge.at)
    )
    charge.run(2.0)
    assert charge.end() == [(BEGIN, 9.0), (END, 11.0)]


@pytest.mark.parametrize(("idle_only", "updates"), [(False, 2), (True, 0)])
def test_send_during_idle_keeps_clock_aligned_readings_out_of_transactions(idle_only: bool, updates: int) -> None:
    """J01.FR.19; J01.FR.22 where it is false."""
    charge = Charge(SamplingIntervals(0.0, 10.0, aligned_when_idle_only=idle_only))
    charge.run(20.0)
    assert len(charge.records) == 1 + updates


def test_what_is_dropped_lies_between_what_is_kept() -> None:
    """E06.FR.12, FR.13: every second one goes, from the first on; neither the beginning nor the end is thinned alone."""
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_periodic_s=1.0))
    charge.run(float(END_SAMPLES_MAX), 1.0)
    whole = [second for _, second in charge.end()][1:-1]
    charge = Charge(SamplingIntervals(0.0, 0.0, ended_periodic_s=1.0))
    charge.run(END_SAMPLES_MAX + 1.0, 1.0)
    thinned = [second for _, second in charge.end()][1:-1]
    assert len(whole) == END_SAMPLES_MAX
    assert thinned == whole[1::2]
