"""A simulated CAN bus: a Unix SEQPACKET socket at the bus's port, whose far end is the models of the modules on it.

A driver connects and both sides exchange the 16-byte frames of SocketCAN. For a machine without CAN in its kernel: the driver's code
is the same, only the socket is another. Bus faults are injected here; faults of a module are injected into its model.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.plant.station import Plant
from hil.simulators.can_modules import CAN_FAULTS, FRAME_BYTES, CanModuleModel, bus_off_frame
from hil.simulators.wire import WRITES_KEPT

CAN_BUS_FAULTS = {
    "silence": "the frame of the driver is lost",
    "bus_off": "the controller reports that it is off the bus",
    "unplugged": "the adapter is gone until switched off",
    **{name: f"{meaning}; `value`: its address, none: all; until switched off" for name, meaning in CAN_FAULTS.items()},
}
TICK_S = 0.05


class CanWire:
    """One CAN bus. Open with `start`, spoil with `fault`, end with `stop`. The same counters as those of a serial wire."""

    def __init__(
        self,
        name: str,
        port: Path,
        models: Sequence[CanModuleModel],
        plant: Plant,
        now: Callable[[], float],
        interface: str | None = None,
    ) -> None:
        """`interface`: a CAN interface of this computer's kernel, with a cable to the controller's, in the place of the socket."""
        self.name = name
        self.port = port
        self._interface = interface
        self.models = tuple(models)
        self.requests = 0
        self.writes: deque[tuple[float, bytes]] = deque(maxlen=WRITES_KEPT)
        self.longest_bytes = 2 * FRAME_BYTES
        self._plant = plant
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._faults: dict[str, tuple[int, float | None]] = {}
        self._server: socket.socket | None = None
        self._clients: list[socket.socket] = []
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the socket and listen."""
        self._connect()
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Hang up, and remove the socket."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        self._disconnect()

    def fault(self, kind: str, count: int, value: float | None) -> None:
        """Spoil the next `count` frames (0 takes the fault back); `unplugged` holds until count 0."""
        if kind == "unplugged":
            if count and self.plugged:
                self._disconnect()
            elif not count and not self.plugged:
                self._connect()
        elif kind == "bus_off" and count:
            for client in self._clients:
                _write(client, bus_off_frame())
        elif kind in CAN_FAULTS:
            for model in self.models:
                if value is None or model.unit == int(value):
                    (model.faults.add if count else model.faults.discard)(kind)
        elif count:
            self._faults[kind] = (count, value)
        else:
            self._faults.pop(kind, None)

    @property
    def plugged(self) -> bool:
        """A driver can connect."""
        return self._server is not None or (self._interface is not None and bool(self._clients))

    @property
    def pending_faults(self) -> dict[str, int]:
        """Faults still to come, with their counts."""
        return {kind: count for kind, (count, _) in self._faults.items()}

    def _due(self, kind: str) -> bool:
        if kind not in self._faults:
            return False
        count, value = self._faults.pop(kind)
        if count > 1:
            self._faults[kind] = (count - 1, value)
        return True

    def _connect(self) -> None:
        if self._interface is not None:
            self._join(raw_can(self._interface))
            return
        self.port.parent.mkdir(parents=True, exist_ok=True)
        if self.port.exists() and not self.port.is_socket():
            raise FileExistsError(f"{self.port} exists and is not a socket of ours")
        self.port.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.setblocking(False)
        self._server.bind(str(self.port))
        self._server.listen()
        self._loop.add_reader(self._server, self._accept, self._server)

    def _disconnect(self) -> None:
        for client in tuple(self._clients):
            self._drop(client)
        if self._server is not None:
            self._loop.remove_reader(self._server)
            self._server.close()
            self._server = None
            self.port.unlink(missing_ok=True)

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client, _ = server.accept()
            self._join(client)

    def _join(self, client: socket.socket) -> None:
        client.setblocking(False)
        self._clients.append(client)
        self._loop.add_reader(client, self._receive, client)

    def _drop(self, client: socket.socket) -> None:
        self._loop.remove_reader(client)
        client.close()
        self._clients.remove(client)

    def _receive(self, client: socket.socket) -> None:
        try:
            frame = client.recv(64)
        except BlockingIOError:
            return
        except OSError:
            frame = b""
        if not frame:
            self._drop(client)
            return
        if len(frame) != FRAME_BYTES:
            return
        self.requests += 1
        now_s = self._now()
        self._plant.advance_to(now_s)
        if self._due("silence"):
            return
        for model in self.models:
            taken = model.taken
            answers = model.receive(frame, now_s)
            if model.taken > taken:
                self.writes.append((now_s, frame))
            for answer in answers:
                _write(client, answer)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_s = self._now()
            for model in self.models:
                model.tick(now_s)


def raw_can(interface: str) -> socket.socket:
    """A socket on this CAN interface (SocketCAN). Raises OSError with what to do."""
    try:
        wire = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        wire.bind((interface,))
    except OSError as error:
        raise OSError(f"CAN interface {interface}: {error.strerror}; set it up: ip link set {interface} up") from error
    return wire


def _write(client: socket.socket, frame: bytes) -> None:
    """Send; a driver that does not read loses frames, as on a bus."""
    with contextlib.suppress(OSError):
        client.send(frame)
