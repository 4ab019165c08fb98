"""A04 Memory: the security event MemoryExhaustion while disk or RAM are nearly full."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Effects, SecurityEventOccurred, Share, StartJob
from chargepoint.ocpp.blocks.jobs import FreeMemory, JobDone, JobEvent, MeasureMemory

MEASURED_EVERY_S = 300.0
FIRST_AFTER_S = 60.0
"""The first measurement comes so long after the start."""
NEARLY_FULL, ROOM_AGAIN = 0.05, 0.10
"""Free parts of a memory: below the first it is nearly full, above the second it has room again."""
_JOB = "memory"


class MemoryBlock(FunctionalBlock):
    """One event when a memory becomes nearly full. The next one only after it had room again, or after a restart.

    No measurement wakes the station: it comes with the first step after its time, at the latest with the next Heartbeat.
    """

    def __init__(self) -> None:
        super().__init__()
        self._due_s: float | None = None
        self._nearly_full: set[str] = set()

    def started(self, now: StationNow) -> Effects:
        """Nothing is measured while everything else starts."""
        self._due_s = now.monotonic_s + FIRST_AFTER_S
        return ()

    def tick(self, now: StationNow) -> Effects:
        """Measure."""
        if self._due_s is None or now.monotonic_s < self._due_s:
            return ()
        self._due_s = now.monotonic_s + MEASURED_EVERY_S
        return (StartJob(_JOB, MeasureMemory()),)

    def job_event(self, event: JobEvent, now: StationNow) -> Effects:
        """Judge each memory. A measurement that failed says nothing."""
        if event.name != _JOB or not isinstance(event, JobDone):
            return ()
        news: list[str] = []
        for memory in FreeMemory.all_of(event.result):
            if memory.free_part > ROOM_AGAIN:
                self._nearly_full.discard(memory.name)
            elif memory.free_part < NEARLY_FULL and memory.name not in self._nearly_full:
                self._nearly_full.add(memory.name)
                news.append(f"{memory.name}: {memory.free_bytes} of {memory.total_bytes} bytes are free")
        return tuple(Share(SecurityEventOccurred("MemoryExhaustion", text)) for text in news)
