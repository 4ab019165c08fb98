"""Sampling: when a transaction's meter is read for a record. Owns the two rhythms, periodic and clock-aligned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from chargepoint.model.transactions import ReadingContext


@dataclass(frozen=True, slots=True)
class SamplingIntervals:
    """Seconds; 0 means never. `periodic_s` is SampledDataCtrlr.TxUpdatedInterval, `aligned_s` AlignedDataCtrlr.Interval.

    The two for the end are TxEndedInterval of the same components: samples of these are part of the Ended record only.
    `aligned_when_idle_only`: AlignedDataCtrlr.SendDuringIdle, no clock-aligned sample while a transaction runs.
    """

    periodic_s: float = 60.0
    aligned_s: float = 0.0
    ended_periodic_s: float = 0.0
    ended_aligned_s: float = 0.0
    aligned_when_idle_only: bool = False

    @property
    def in_transaction(self) -> SamplingIntervals:
        """What records of their own are made by while a transaction runs."""
        return SamplingIntervals(self.periodic_s, 0.0 if self.aligned_when_idle_only else self.aligned_s)

    @property
    def for_the_end(self) -> SamplingIntervals:
        """What the Ended record collects."""
        return SamplingIntervals(self.ended_periodic_s, self.ended_aligned_s)


class Sampling:
    """Says which sample is due. Time is a number; missed beats are not made up for.

    Periodic beats count from the transaction's start on the monotonic clock (J02.FR.11). Aligned beats fall on
    multiples of the interval since midnight UTC (J01.FR.14).
    """

    def __init__(self, intervals: SamplingIntervals) -> None:
        self._intervals = intervals
        self._started_s: float | None = None
        self._beats = 0
        self._aligned_beat: int | None = None

    @property
    def intervals(self) -> SamplingIntervals:
        """As configured now."""
        return self._intervals

    def configure(self, intervals: SamplingIntervals, now_s: float) -> None:
        """New intervals; the periodic rhythm starts afresh if its interval changed."""
        if self._started_s is not None and intervals.periodic_s != self._intervals.periodic_s:
            self._started_s, self._beats = now_s, 0
        if intervals.aligned_s != self._intervals.aligned_s:
            self._aligned_beat = None
        self._intervals = intervals

    def start(self, now_s: float, at_utc: datetime) -> None:
        """The transaction begins: both rhythms count from here."""
        self._started_s, self._beats = now_s, 0
        self._aligned_beat = self._aligned(at_utc)

    def stop(self) -> None:
        """No transaction: nothing is due."""
        self._started_s, self._aligned_beat = None, None

    def due(self, now_s: float, at_utc: datetime) -> ReadingContext | None:
        """The context of the sample due now, or None; asks once per beat. Clock-aligned goes before periodic."""
        if self._started_s is None:
            return None
        beat = self._aligned(at_utc)
        if beat is not None and self._aligned_beat is not None and beat > self._aligned_beat:
            self._aligned_beat = beat
            return ReadingContext.SAMPLE_CLOCK
        self._aligned_beat = beat
        if self._intervals.periodic_s > 0:
            beats = math.floor((now_s - self._started_s) / self._intervals.periodic_s)
            if beats > self._beats:
                self._beats = beats
                return ReadingContext.SAMPLE_PERIODIC
        return None

    def deadline_s(self, now_s: float, at_utc: datetime) -> float | None:
        """The monotonic second of the next beat, or None."""
        if self._started_s is None:
            return None
        deadlines = []
        if self._intervals.periodic_s > 0:
            deadlines.append(self._started_s + (self._beats + 1) * self._intervals.periodic_s)
        if self._intervals.aligned_s > 0:
            second = at_utc.timestamp() % 86_400
            beat_s = self._intervals.aligned_s - second % self._intervals.aligned_s
            deadlines.append(now_s + min(beat_s, 86_400 - second))
        return min(deadlines, default=None)

    def _aligned(self, at_utc: datetime) -> int | None:
        if self._intervals.aligned_s <= 0:
            return None
        # Counted per day, so that beats start at midnight even if the interval does not divide a day.
        days, second = divmod(at_utc.timestamp(), 86_400)
        return int(days) * 100_000 + math.floor(second / self._intervals.aligned_s)
