"""Requests that wait for a wire: by priority, one per key, bounded; and their outcomes, delivered to drivers that may fail.

Shared by the masters of serial lines and of TCP.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from drivers.modbus.master import OnDone
from drivers.modbus.transaction import Failed, FailureKind, Outcome, Priority, Read, Request

ORDERS_IN_A_ROW = 2
"""So many orders go before a fast read that waits, then the read goes before the next set-point: a flood of set-points must not
keep the pilot/IO board on the same wire unheard. An order to stop gives way to nothing."""

REMEMBER_S = 60.0
"""A driver's defect is reported this long after its last occurrence, so that one cause gives one line."""


@dataclass(slots=True)
class Queued:
    """One request, and how far it got."""

    request: Request
    on_done: OnDone
    priority: Priority
    key: Hashable | None
    not_before_s: float = -1e9
    counts: tuple[int, ...] = ()
    """How a read is asked: in one frame, or in several. Empty until its turn comes."""
    registers: tuple[int, ...] = ()
    """What its first frames brought."""
    dated_s: float = math.inf
    asked_again: bool = False

    @property
    def on_wire(self) -> Request:
        """The frame that is next or out."""
        if not isinstance(self.request, Read) or not self.counts or self.counts == (self.request.count,):
            return self.request
        done = len(self.registers)
        request = self.request
        return Read(request.unit, request.function, request.address + done, self.counts[0], counted=request.counted)


class RequestQueue:
    """At most `capacity` requests. When it is full, the youngest of the least urgent gives way to a more urgent newcomer,
    otherwise the newcomer is refused; either way the loser's callback gets Failed(OVERFLOW) in `deliver_refused`."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self._capacity = capacity
        self._queues: tuple[list[Queued], ...] = tuple([] for _ in Priority)
        stop, setpoint, fast, slow = self._queues
        self._reads_first = (stop, fast, setpoint, slow)
        self._orders_sent = 0
        """In a row, while a fast read waited."""
        self._refused: list[tuple[Queued, Failed]] = []
        self._defects: dict[int, tuple[str, float]] = {}
        self.delivered = 0
        """Outcomes that drivers got, since start."""

    def __bool__(self) -> bool:
        return any(self._queues)

    @property
    def unhurried(self) -> bool:
        """Nothing but slow reads waits."""
        stop, setpoint, fast, _ = self._queues
        return not (stop or setpoint or fast)

    def __iter__(self) -> Iterator[Queued]:
        """The most urgent first, first in, first out within one priority; a fast read before the next set-point when it waited
        for `ORDERS_IN_A_ROW` orders."""
        for queue in self._queues if self._orders_sent < ORDERS_IN_A_ROW else self._reads_first:
            if queue:
                yield from tuple(queue)

    @property
    def refused(self) -> bool:
        """`deliver_refused` has something to do."""
        return bool(self._refused)

    def put(self, item: Queued) -> None:
        """Add a request; a queued one of the same key is replaced in its place, and the more urgent priority stays."""
        if item.key is not None and self._replaced(item):
            return
        if sum(map(len, self._queues)) >= self._capacity and not self._made_room(item):
            return
        self._queues[item.priority].append(item)

    def put_first(self, item: Queued) -> None:
        """Put back a request that goes on."""
        self._queues[item.priority].insert(0, item)

    def holds(self, item: Queued) -> bool:
        """It still waits."""
        return any(item is queued for queued in self._queues[item.priority])

    def remove(self, item: Queued) -> None:
        """Take it out; its turn has come."""
        self._queues[item.priority].remove(item)
        if item.priority is Priority.FAST or not self._queues[Priority.FAST]:
            self._orders_sent = 0
        elif item.priority < Priority.FAST:
            self._orders_sent += 1

    def fail_all(self, failed: Failed) -> None:
        """Everything that waits ends so."""
        for queue in self._queues:
            items = queue[:]
            queue.clear()
            for item in items:
                self.deliver(item, failed)

    def deliver_refused(self, now_s: float) -> None:
        """Those that found no room."""
        refused, self._refused = self._refused, []
        for item, failed in refused:
            self.deliver(item, Failed(failed.kind, failed.detail, now_s))

    def deliver(self, item: Queued, outcome: Outcome) -> None:
        """A driver's exception is that device's own: its readings age, the wire and everybody else go on."""
        self.delivered += 1
        try:
            item.on_done(outcome)
        except Exception as error:
            unit = item.request.unit
            self._defects[unit] = (f"unit {unit}: its driver failed: {type(error).__name__}: {error}", outcome.at_s)

    def defects(self, now_s: float) -> str:
        """What drivers could not do with their outcomes in the last minute, in words; empty if there was nothing."""
        self._defects = {unit: seen for unit, seen in self._defects.items() if now_s - seen[1] <= REMEMBER_S}
        return "; ".join(text for text, _ in self._defects.values())

    def _replaced(self, item: Queued) -> bool:
        for queue in self._queues:
            for index, queued in enumerate(queue):
                if queued.key == item.key:
                    item.not_before_s = min(item.not_before_s, queued.not_before_s)
                    if queued.priority <= item.priority:
                        item.priority = queued.priority
                        queue[index] = item
                        return True
                    del queue[index]
                    return False
        return False

    def _made_room(self, item: Queued) -> bool:
        for priority in reversed(Priority):
            queue = self._queues[priority]
            if queue and priority > item.priority:
                loser = queue.pop()
                self._refused.append((loser, Failed(FailureKind.OVERFLOW, f"{self.name}: queue full", 0.0)))
                return True
        self._refused.append((item, Failed(FailureKind.OVERFLOW, f"{self.name}: queue full", 0.0)))
        return False
