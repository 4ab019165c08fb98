"""How punctual the loop of the power process is: late wake-ups, turns that computed for too long, suspended time. Counts only."""

from __future__ import annotations

import time
from bisect import bisect_left

from chargepoint.model.process_health import LATE_BOUNDS_MS, ProcessHealth

LATE_S = 0.005
CHRONICALLY_LATE_S = 0.1
CHRONIC_S = 30
"""A process that is so late in so many seconds on end is a fault to report (own rule): half of what counts as a stall."""

WORSE_FACTOR = 2.0
WORTH_A_LINE_S = 0.02
"""A second whose worst wake-up was later than this is worth a line, if it is `WORSE_FACTOR` times the last one that had a line."""


def suspended_s() -> float:
    """How long the computer was suspended since it started: CLOCK_MONOTONIC stopped meanwhile, CLOCK_BOOTTIME went on."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Lateness:
    """Call `note` for each wake-up that had a deadline, `turn` for each turn; `health` once a second begins a new second."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self.wakeups = 0
        self.worst_s = 0.0
        self.over_5_ms = 0
        self.overruns = 0
        self.suspended_s = 0.0
        self.overrun_s = 0.0
        """The longest turn since the last `health`, in seconds; 0 while none computed for longer than a tick."""
        self._worst_lately_s = 0.0
        self._late_seconds = 0
        self._counts = [0] * (len(LATE_BOUNDS_MS) + 1)
        self._written_s = WORTH_A_LINE_S / WORSE_FACTOR

    def note(self, late_s: float) -> None:
        """Count one wake-up, so many seconds after its deadline."""
        self.wakeups += 1
        self._counts[bisect_left(LATE_BOUNDS_MS, late_s * 1000)] += 1
        if late_s > self._worst_lately_s:
            self._worst_lately_s = late_s
            self.worst_s = max(self.worst_s, late_s)
        self.over_5_ms += late_s > LATE_S

    def turn(self, computed_s: float) -> None:
        """Count one turn that computed for so many seconds before it waited again."""
        if computed_s > self._tick_s:
            self.overruns += 1
            self.overrun_s = max(self.overrun_s, computed_s)

    @property
    def chronic(self) -> str:
        """In words that the process has been late in each of the last `CHRONIC_S` seconds; empty while it has not."""
        if self._late_seconds < CHRONIC_S:
            return ""
        return f"late by more than {CHRONICALLY_LATE_S * 1000:.0f} ms in each of the last {self._late_seconds} s"

    def worse(self) -> str:
        """A line where this second was much worse than any that had a line before; else nothing."""
        worst_s = max(self._worst_lately_s, self.overrun_s)
        if worst_s < self._written_s * WORSE_FACTOR:
            return ""
        self._written_s = worst_s
        return (
            f"a wake-up came {self._worst_lately_s * 1000:.0f} ms late, a turn computed for {self.overrun_s * 1000:.0f} ms; "
            f"{self.over_5_ms} of {self.wakeups} wake-ups were more than 5 ms late since the start"
        )

    def health(self, *, realtime: bool) -> ProcessHealth:
        """The report of the second that ends now; the next one begins."""
        report = ProcessHealth(
            wakeups=self.wakeups,
            over_5_ms=self.over_5_ms,
            worst_ms=self.worst_s * 1000,
            worst_lately_ms=self._worst_lately_s * 1000,
            overruns=self.overruns,
            overrun_lately_ms=self.overrun_s * 1000,
            suspended_s=self.suspended_s,
            realtime=realtime,
            late_counts=tuple(self._counts),
        )
        late = max(self._worst_lately_s, self.overrun_s) > CHRONICALLY_LATE_S
        self._late_seconds = self._late_seconds + 1 if late else 0
        self._worst_lately_s = self.overrun_s = 0.0
        return report
