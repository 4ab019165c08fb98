"""A CAN bus in memory: the send queue of the real bus, frames answered by module models, time as a number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from drivers.can.bus import CanListener
from drivers.can.frame import CanFrame, packed, unpacked
from drivers.can.send_queue import SendQueue, Urgency
from hil.simulators.can_modules import CanModuleModel

TICK_S = 0.01
WIRE_S = 0.001


class Polled(Protocol):
    def poll(self, now_s: float) -> None: ...


class MemoryLine:
    """Fulfils CanLine. `run` polls every 10 ms and carries frames every millisecond; `sent` lists time and frame."""

    def __init__(self, models: Sequence[CanModuleModel], step: Callable[[float], None] | None = None) -> None:
        self.name = "memory"
        self.now_s = 100.0
        self.models = list(models)
        self.sent: list[tuple[float, CanFrame]] = []
        self.refused = 0
        self.lost: Callable[[CanFrame], bool] = lambda frame: False
        self._queue = SendQueue()
        self._listeners: list[CanListener] = []
        self._step = step

    def listen(self, listener: CanListener) -> None:
        self._listeners.append(listener)

    def send(self, frame: CanFrame, urgency: Urgency, owner: str, kind: Hashable) -> None:
        self._queue.put(frame, urgency, owner, kind)

    def withdraw(self, owner: str, urgency: Urgency) -> None:
        self._queue.withdraw(owner, urgency)

    def run(self, devices: Sequence[Polled], seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """True when `until` came true (or there was none)."""
        for _ in range(round(seconds / TICK_S)):
            for device in devices:
                device.poll(self.now_s)
            for _ in range(round(TICK_S / WIRE_S)):
                self._carry()
                self.now_s += WIRE_S
            for model in self.models:
                model.tick(self.now_s)
            if self._step is not None:
                self._step(TICK_S)
            if until is not None and until():
                return True
        return until is None

    def _carry(self) -> None:
        entry = self._queue.take(self.now_s)
        if entry is None:
            return
        self.sent.append((self.now_s, entry.frame))
        if self.lost(entry.frame):
            return
        for model in self.models:
            for data in model.receive(packed(entry.frame), self.now_s):
                frame = unpacked(data)
                assert isinstance(frame, CanFrame)
                for listener in self._listeners:
                    if any(wanted.passes(frame.can_id) for wanted in listener.filters):
                        self.refused += not listener.receive(frame, self.now_s + WIRE_S)
