"""Who answers on a simulated serial line: a pymodbus server, which others wrote, or our own, which takes no time."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from pymodbus.server import ModbusSerialServer

from hil.simulators.modbus_frames import answer
from hil.simulators.modbus_server import serve
from hil.simulators.registers.device_map import DeviceMap
from hil.simulators.wire_ends import raw_pty

TURNAROUND_S = 0.001
"""Between the last byte of a request and the first of the reply, on our own server; pymodbus takes what it takes."""


class Devices(Protocol):
    """Call `start` first."""

    @property
    def turnaround_s(self) -> float:
        """How long after `on_reply` the first byte of the reply leaves."""

    async def start(self, on_reply: Callable[[bytes], None]) -> None:
        """Be ready to answer."""

    def ask(self, frame: bytes) -> None:
        """Hand in a request; the reply comes by `on_reply`, or never."""

    async def stop(self) -> None:
        """Answer no more."""


class OwnServer:
    """The reply is known at once, and leaves after `TURNAROUND_S`, always. `before` runs ahead of each access."""

    turnaround_s = TURNAROUND_S

    def __init__(self, maps: Sequence[DeviceMap], before: Callable[[], None]) -> None:
        self._maps = {device.unit: device for device in maps}
        self._before = before
        self._on_reply: Callable[[bytes], None] = lambda data: None

    async def start(self, on_reply: Callable[[bytes], None]) -> None:
        """Be ready to answer."""
        self._on_reply = on_reply

    def ask(self, frame: bytes) -> None:
        """Hand in a request."""
        device = self._maps.get(frame[0])
        if device is None:
            return
        self._before()
        reply = answer(frame, device)
        if reply is not None:
            self._on_reply(reply)

    async def stop(self) -> None:
        """Answer no more."""
        self._on_reply = lambda data: None


class PymodbusServer:
    """A server of pymodbus on a pty of its own. `before` runs ahead of each access."""

    turnaround_s = 0.0

    def __init__(self, maps: Sequence[DeviceMap], before: Callable[[], None]) -> None:
        self._maps = list(maps)
        self._before = before
        self._inner = self._inner_slave = -1
        self._server: ModbusSerialServer | None = None

    async def start(self, on_reply: Callable[[bytes], None]) -> None:
        """Be ready to answer."""
        self._inner, self._inner_slave = raw_pty()
        self._server = serve(os.ttyname(self._inner_slave), self._maps, self._before)
        await self._server.serve_forever(background=True)
        asyncio.get_running_loop().add_reader(self._inner, self._read, on_reply)

    def ask(self, frame: bytes) -> None:
        """Hand in a request."""
        with contextlib.suppress(OSError):
            os.write(self._inner, frame)

    async def stop(self) -> None:
        """Answer no more."""
        if self._inner < 0:
            return
        asyncio.get_running_loop().remove_reader(self._inner)
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
        for fd in (self._inner, self._inner_slave):
            with contextlib.suppress(OSError):
                os.close(fd)

    def _read(self, on_reply: Callable[[bytes], None]) -> None:
        try:
            data = os.read(self._inner, 4096)
        except OSError:
            return
        on_reply(data)
