"""How long the daemon's loop was held up: the bound is 20 ms (docs/architecture.md), and the status shows the truth."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

PROBE_S = 0.01
KEPT = 6000
"""One minute of probes."""


class LoopLag:
    """Sleeps and sees how late it wakes. Milliseconds; epoll rounds up, so about 1 ms is the floor."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = monotonic_s
        self._late_ms: deque[float] = deque(maxlen=KEPT)
        self.worst_ms = 0.0

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            asleep_s = self._now_s()
            await asyncio.sleep(PROBE_S)
            late_ms = (self._now_s() - asleep_s - PROBE_S) * 1000
            self._late_ms.append(late_ms)
            self.worst_ms = max(self.worst_ms, late_ms)

    def snapshot(self) -> dict[str, float | int]:
        """Of the last minute: median, 99th percentile, worst, and how many were over 20 ms; worst since start."""
        ordered = sorted(self._late_ms)
        if not ordered:
            return {"probes": 0}
        return {
            "probes": len(ordered),
            "median_ms": round(ordered[len(ordered) // 2], 2),
            "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
            "worst_ms": round(ordered[-1], 2),
            "over_20_ms": sum(late > 20.0 for late in ordered),
            "worst_since_start_ms": round(self.worst_ms, 2),
        }
