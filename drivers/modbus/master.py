"""What a device driver sees of a Modbus master, whatever the wire: serial (`RtuMaster`) or TCP (`TcpMaster`)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from drivers.modbus.transaction import DeviceTiming, Outcome, Priority, Request

OnDone = Callable[[Outcome], None]


class Master(Protocol):
    """Takes requests of device drivers. Each request gets exactly one outcome, inside a later call of the bus."""

    name: str

    def configure(self, unit: int, timing: DeviceTiming) -> None:
        """Set one device's manners. Several drivers of one unit share the slower of each figure."""

    def allow_quick_stop(self, unit: int, silence_s: float | None) -> None:
        """An order to stop may follow this device's own answer after `silence_s`; None: after the silence that others need too."""

    def submit(
        self,
        request: Request,
        on_done: OnDone,
        priority: Priority,
        key: Hashable | None = None,
        not_before_s: float = -1e9,
    ) -> None:
        """Queue a request. A queued request of the same key is replaced by it, and the replaced one gets no outcome.

        `not_before_s`: nobody waits for it, nor is it sent, before that time.
        """
