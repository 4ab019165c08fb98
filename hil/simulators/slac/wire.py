"""The shell of the simulated powerline: one packet socket on the interface whose other end is the station's."""

from __future__ import annotations

import asyncio
import contextlib
import time

from chargepoint.slac.frame_codec import pack, unpack
from chargepoint.slac.frames import SlacFrame
from chargepoint.slac.packet_socket import PacketSocket
from hil.simulators.slac.powerline import Powerline


class PowerlineWire:
    """The line of one station, named `name` on it. Use as an async context manager."""

    def __init__(self, interface: str, line: Powerline, name: str = "one") -> None:
        self._interface = interface
        self._line = line
        self._name = name
        self._socket: PacketSocket | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> PowerlineWire:
        self._socket = PacketSocket(self._interface, for_others=True)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()

    def plug_in(self, car: str) -> None:
        """5 % came on at this car's pilot."""
        self._carry(self._line.plug_in(car, time.monotonic()))

    def unplug(self, car: str) -> None:
        """The car leaves."""
        self._line.unplug(car)

    def _read(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(OSError):  # the interface goes down with its namespace
            for data in self._socket.receive():
                frame = unpack(data)
                if isinstance(frame, SlacFrame):
                    self._carry(self._line.from_station(self._name, frame, time.monotonic()))

    def _carry(self, frames: list[tuple[str, SlacFrame]]) -> None:
        assert self._socket is not None
        for name, frame in frames:
            if name == self._name:
                self._socket.send(pack(frame))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_s = self._line.due_s
        if due_s is not None:
            delay_s = max(0.0, due_s - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._keep_time)

    def _keep_time(self) -> None:
        self._timer = None
        self._carry(self._line.keep_time(time.monotonic()))
