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

    def submit(self, request: Request, on_done: OnDone, priority: Priority, key: Hashable | None = None) -> None:
        """Queue a request. A queued request of the same key is replaced by it, and the replaced one hears nothing."""
