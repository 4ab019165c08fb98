"""A simulated Modbus TCP connection: a pymodbus server at the address that the bus of the configuration names.

It has what `hil.simulators.wire.BusWire` shows. Of the faults only `unplugged` exists here: bytes of TCP are not spoiled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer

from hil.plant.station import Plant
from hil.simulators.modbus_server import devices_of
from hil.simulators.registers.device_map import DeviceMap
from hil.simulators.wire import WRITES_KEPT, WRITING_FUNCTIONS

HEADER = 6


class TcpWire:
    """One server. Open with `start`, end with `stop`."""

    def __init__(self, name: str, port: str, maps: Sequence[DeviceMap], plant: Plant, now: Callable[[], float]) -> None:
        self.name = name
        self.port = port
        self.requests = 0
        self.writes: deque[tuple[float, bytes]] = deque(maxlen=WRITES_KEPT)
        self.longest_bytes = 0
        self._maps = list(maps)
        self._plant = plant
        self._now = now
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen."""
        host, _, port = self.port.rpartition(":")
        self._server = ModbusTcpServer(
            devices_of(self._maps, lambda: self._plant.advance_to(self._now())),
            framer=FramerType.SOCKET,
            address=(host.strip("[]"), int(port)),
            trace_packet=self._trace,
        )
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        """End every connection."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def fault(self, kind: str, count: int, value: float | None) -> None:
        """No fault of a serial line exists here."""
        raise ValueError(f"bus {self.name!r} is Modbus TCP: no fault {kind!r} there")

    @property
    def plugged(self) -> bool:
        """It listens."""
        return self._server is not None

    @property
    def pending_faults(self) -> dict[str, int]:
        """None."""
        return {}

    def _trace(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self.requests += 1
            if len(data) > HEADER + 1 and data[HEADER + 1] in WRITING_FUNCTIONS:
                self.writes.append((self._now(), data[HEADER:]))
        self.longest_bytes = max(self.longest_bytes, len(data))
        return data
