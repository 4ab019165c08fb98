"""The queue of CAN frames to send: most urgent first, the newest of each kind, never faster than the pace. Pure.

A frame that the wire did not take goes back into the queue, unless a newer one of its kind has come meanwhile. So an order
to stop is never lost, and an old set-point never overtakes a new one.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum

from drivers.can.frame import CanFrame

PACE_S = 0.002
"""Least time between two frames: at 125 kbit/s a frame of 8 bytes takes 1.1 ms, and its answer as long."""

QUEUE_MAX = 256
"""More than the set-points and reads of 16 modules. Beyond it reads give way; orders do not."""

RETRY_S = 0.005
"""How long after a refusal the wire is tried again."""


class Urgency(IntEnum):
    """A smaller number goes first; first in, first out within one."""

    STOP = 0
    SET_POINT = 1
    READ = 2


@dataclass(frozen=True, slots=True)
class QueuedFrame:
    """A frame in the queue. `owner` is the device; a frame with the same `owner` and `kind` takes the place of an older one."""

    frame: CanFrame
    urgency: Urgency
    owner: str
    kind: Hashable
    order: int


class SendQueue:
    """Give frames with `put`, take the next with `take`, give a refused one back with `give_back`."""

    def __init__(self, pace_s: float = PACE_S) -> None:
        self.given_up = 0
        """Reads that found no room."""
        self._pace_s = pace_s
        self._queue: dict[tuple[str, Hashable], QueuedFrame] = {}
        self._count = itertools.count()
        self._not_before_s = -1e9

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, frame: CanFrame, urgency: Urgency, owner: str, kind: Hashable) -> None:
        """Queue a frame in the place of an older one of its kind."""
        if len(self._queue) >= QUEUE_MAX and urgency is Urgency.READ and (owner, kind) not in self._queue:
            self.given_up += 1
            return
        before = self._queue.get((owner, kind))
        order = before.order if before is not None and before.urgency is urgency else next(self._count)
        self._queue[owner, kind] = QueuedFrame(frame, urgency, owner, kind, order)

    def withdraw(self, owner: str, urgency: Urgency) -> None:
        """Forget what this device has queued of that urgency: a stop leaves no set-point behind it."""
        for key in [key for key, entry in self._queue.items() if entry.owner == owner and entry.urgency is urgency]:
            del self._queue[key]

    def clear(self) -> None:
        """Forget everything."""
        self._queue.clear()

    @property
    def deadline_s(self) -> float | None:
        """When the next frame may go; None while there is none."""
        return self._not_before_s if self._queue else None

    def take(self, now_s: float) -> QueuedFrame | None:
        """The next frame, if there is one and its time has come. It counts as sent until it is given back."""
        if not self._queue or now_s < self._not_before_s:
            return None
        entry = min(self._queue.values(), key=lambda queued: (queued.urgency, queued.order))
        del self._queue[entry.owner, entry.kind]
        self._not_before_s = now_s + self._pace_s
        return entry

    def give_back(self, entry: QueuedFrame, now_s: float) -> None:
        """The wire refused this frame: it keeps its place, unless a newer one of its kind has come."""
        self._queue.setdefault((entry.owner, entry.kind), entry)
        self._not_before_s = now_s + max(self._pace_s, RETRY_S)
