"""How punctual the power process is: its own report, once a second, up the link and into the status."""

from __future__ import annotations

from dataclasses import dataclass

LATE_BOUNDS_MS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""Upper bounds of the histogram's groups; one more group holds what is later than the last."""


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """Counters since start. A wake-up is late by the time between its deadline and the moment it ran.

    `worst_ms` since start, `worst_lately_ms` in the second before. `overruns`: turns of the loop that computed for longer than a
    tick; `overrun_lately_ms` is the longest turn of the second before. `realtime`: SCHED_FIFO and locked memory.
    `late_counts` has one number more than `LATE_BOUNDS_MS`.
    """

    wakeups: int
    over_5_ms: int
    worst_ms: float
    worst_lately_ms: float
    overruns: int
    overrun_lately_ms: float
    suspended_s: float
    realtime: bool
    late_counts: tuple[int, ...]
