"""What a master remembers of one device: its manners, its failures, and how its registers can be asked without doubt."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.modbus.freshness import ReplyMemory
from drivers.modbus.transaction import DeviceTiming, Read, Request


@dataclass(slots=True)
class Standing:
    """What we know of one device's manners. Counters are of what happened since its last good answer."""

    timing: DeviceTiming = field(default_factory=DeviceTiming)
    failed: int = 0
    silent: int = 0
    backoff_s: float = 0.0
    not_before_s: float = 0.0
    stop_tried: bool = False
    quick_stop_s: float | None = None
    tried_at_s: float = -1e9
    memory: ReplyMemory = field(default_factory=ReplyMemory)

    @property
    def paced(self) -> bool:
        """It failed too often to be asked whenever somebody likes."""
        return self.failed >= self.timing.failures_to_pace

    def grow_backoff(self) -> float:
        """It was silent too often: how long it is left in peace, twice as long each time up to its bound."""
        doubled = self.backoff_s * 2 or self.timing.backoff_min_s
        self.backoff_s = min(doubled, self.timing.backoff_max_s)
        return self.backoff_s

    def forgive(self) -> None:
        """It answered, or nobody knows any more."""
        self.failed = self.silent = 0
        self.backoff_s = self.not_before_s = 0.0
        self.stop_tried = False


def form_to_ask(request: Read, standing: Standing, now_s: float) -> tuple[int, ...]:
    """How to ask. A device that failed is asked in the form that failed: whether it is there needs no date."""
    whole = (request.count,)
    if standing.failed and standing.memory.owes(request.function, request.count, now_s):
        return whole
    return clean_form(request, standing, now_s) or whole


def clean_form(request: Request, standing: Standing, now_s: float) -> tuple[int, ...] | None:
    """The first form of which no reply is owed; None if there is none."""
    if not isinstance(request, Read):
        return None
    for counts in ((request.count,), *request.other_forms):
        if not any(standing.memory.owes(request.function, count, now_s) for count in counts):
            return counts
    return None
