"""A simulated RS-485 wire: a pty the driver opens, a pty the Modbus server opens, and a bridge that can spoil either way.

The driver's end is a symbolic link at the configured port. The bridge knows which units exist and answer; bus faults are
injected here, on bytes: neither end knows of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import struct
import tty
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pymodbus.server import ModbusSerialServer

from hil.plant.station import Plant
from hil.simulators.modbus_server import serve
from hil.simulators.registers.device_map import DeviceMap

WRITING_FUNCTIONS = (0x05, 0x06, 0x0F, 0x10, 0x17)
WRITES_KEPT = 256
FIFO_BYTES = 8
"""A UART hands received bytes over in pieces of this size (the trigger level of a 16550's FIFO)."""

BUS_FAULTS = {
    "late": "the reply comes `value` seconds later (0.4)",
    "short": "the reply lacks its last `value` bytes (3)",
    "wrong_function": "an intact frame of function 4 with one register (or of another function)",
    "bit_flip": "one bit of the reply is wrong",
    "silence": "the request is lost",
    "babble": "`value` random bytes before the reply (20)",
    "unplugged": "the adapter is gone until switched off",
}


class WireObserver(Protocol):
    """Sees what goes over a wire, at the times of the wire. For benches."""

    def requested(self, frame: bytes, at_s: float) -> None:
        """The driver wrote this request; its first byte was there at `at_s`."""

    def replied(self, frame: bytes, at_s: float) -> None:
        """The last byte of this reply can be read by the driver since `at_s`."""


class BusWire:
    """One bus. Open with `start`, spoil with `fault`, end with `stop`.

    `requests` counts the requests of the driver; `writes` are the last ones that set something; `longest_bytes` is the
    longest request with its reply so far, for the time such an exchange takes on a real wire.
    """

    def __init__(
        self,
        name: str,
        port: Path,
        maps: Sequence[DeviceMap],
        plant: Plant,
        now: Callable[[], float],
        byte_s: float = 0.0,
    ) -> None:
        """`byte_s`: how long one byte takes on the wire. 0: a pty's own way, which hands whole frames over at once."""
        self.name = name
        self.port = port
        self.requests = 0
        self.writes: deque[tuple[float, bytes]] = deque(maxlen=WRITES_KEPT)
        self.longest_bytes = 0
        self.observer: WireObserver | None = None
        self._request_bytes = 0
        self._maps = {device.unit: device for device in maps}
        self._plant = plant
        self._now = now
        self._byte_s = byte_s
        self._loop = asyncio.get_running_loop()
        self._faults: dict[str, tuple[int, float | None]] = {}
        self._random = random.Random(714)
        self._end = PtyEnd(port)
        self._inner = -1
        self._inner_slave = -1
        self._server: ModbusSerialServer | None = None

    async def start(self) -> None:
        """Make the ptys, the link and the server."""
        self._inner, self._inner_slave = raw_pty()
        port = os.ttyname(self._inner_slave)
        self._server = serve(port, list(self._maps.values()), lambda: self._plant.advance_to(self._now()))
        await self._server.serve_forever(background=True)
        self._loop.add_reader(self._inner, self._reply)
        self._connect()

    def _connect(self) -> None:
        self._end.open()
        self._loop.add_reader(self._end.master, self._request)

    def _disconnect(self) -> None:
        if self._end.master >= 0:
            self._loop.remove_reader(self._end.master)
            self._end.close()

    async def stop(self) -> None:
        """Remove link, server and ptys."""
        self._disconnect()
        if self._inner < 0:
            return
        self._loop.remove_reader(self._inner)
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
        for fd in (self._inner, self._inner_slave):
            with contextlib.suppress(OSError):
                os.close(fd)

    def fault(self, kind: str, count: int, value: float | None) -> None:
        """Spoil the next `count` transactions (0 takes the fault back); `unplugged` holds until count 0."""
        if kind == "unplugged":
            if count and self._end.master >= 0:
                self._disconnect()
            elif not count and self._end.master < 0:
                self._connect()
        elif count:
            self._faults[kind] = (count, value)
        else:
            self._faults.pop(kind, None)

    @property
    def plugged(self) -> bool:
        """The driver's end exists."""
        return self._end.master >= 0

    @property
    def pending_faults(self) -> dict[str, int]:
        """Faults still to come, with their counts."""
        return {kind: count for kind, (count, _) in self._faults.items()}

    def _due(self, kind: str) -> float | None:
        """The fault's value when its turn has come (nan: none given), else None; counts it off."""
        if kind not in self._faults:
            return None
        count, value = self._faults[kind]
        if count <= 1:
            del self._faults[kind]
        else:
            self._faults[kind] = (count - 1, value)
        return value if value is not None else _DEFAULTS.get(kind, 0.0)

    def _request(self) -> None:
        try:
            data = os.read(self._end.master, 4096)
        except OSError:
            return
        if not data:
            return
        if self.observer is not None:
            self.observer.requested(data, self._now())
        self.requests += 1
        self._request_bytes = len(data)
        if len(data) > 1 and data[1] in WRITING_FUNCTIONS:
            self.writes.append((self._now(), data))
        device = self._maps.get(data[0])
        if device is None or device.silent or self._due("silence") is not None:
            return
        if self._byte_s:  # the device has the request when its last byte has come
            self._loop.call_later(len(data) * self._byte_s, self._to_server, data)
        else:
            self._to_server(data)

    def _to_server(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._inner, data)

    def _send(self, data: bytes) -> None:
        """A reply to the driver: whole, or in the pieces and at the times of a wire."""
        if not self._byte_s:
            self._write_last(data, data)
            return
        begins_s = self._loop.time()
        for start in range(0, len(data), FIFO_BYTES):
            piece = data[start : start + FIFO_BYTES]
            at_s = begins_s + (start + len(piece)) * self._byte_s
            if start + FIFO_BYTES >= len(data):
                self._loop.call_at(at_s, self._write_last, piece, data)
            else:
                self._loop.call_at(at_s, self._end.write, piece)

    def _write_last(self, piece: bytes, frame: bytes) -> None:
        self._end.write(piece)
        if self.observer is not None:
            self.observer.replied(frame, self._now())

    def _reply(self) -> None:
        try:
            data = os.read(self._inner, 4096)
        except OSError:
            return
        if len(data) < 5:
            return
        self.longest_bytes = max(self.longest_bytes, self._request_bytes + len(data))
        if self._due("wrong_function") is not None:
            function = 4 if data[1] != 4 else 3
            data = _sealed(bytes((data[0], function, 2, 0x12, 0x34)))
        if self._due("bit_flip") is not None:
            at = self._random.randrange(8 * len(data))
            data = bytes(byte ^ (1 << at % 8 if i == at // 8 else 0) for i, byte in enumerate(data))
        short = self._due("short")
        if short is not None:
            data = data[: -int(short)]
        babble = self._due("babble")
        if babble is not None:
            data = self._random.randbytes(int(babble)) + data
        late_s = self._due("late")
        if late_s is not None:
            self._loop.call_later(late_s, self._send, data)
        else:
            self._send(data)


_DEFAULTS = {"late": 0.4, "short": 3.0, "babble": 20.0}


class TokenWire:
    """A reader's serial line: each token is one line of text."""

    def __init__(self, name: str, port: Path) -> None:
        self.name = name
        self.port = port
        self._end = PtyEnd(port)

    def start(self) -> None:
        """Make the pty and the link."""
        self._end.open()

    def stop(self) -> None:
        """Remove both."""
        self._end.close()

    def present(self, token: str) -> None:
        """Somebody holds a card to the reader."""
        self._end.write(token.encode("ascii") + b"\r\n")


class PtyEnd:
    """The driver's end of a wire: a pty whose slave is linked at `port`; both sides are held open here."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self.master = -1
        self._slave = -1

    def open(self) -> None:
        """Raises FileExistsError when something other than a link is at the port."""
        if self.port.exists() and not self.port.is_symlink():
            raise FileExistsError(f"{self.port} exists and is not a link of ours")
        self.port.parent.mkdir(parents=True, exist_ok=True)
        self.master, self._slave = raw_pty()
        fresh = self.port.with_name(f".{self.port.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.port)

    def write(self, data: bytes) -> None:
        """Send; a wire that is gone or full swallows it."""
        if self.master >= 0:
            with contextlib.suppress(OSError):
                os.write(self.master, data)

    def close(self) -> None:
        """Hang up and take the link away."""
        if self.master < 0:
            return
        with contextlib.suppress(OSError):
            if self.port.is_symlink() and os.readlink(self.port) == os.ttyname(self._slave):
                self.port.unlink()
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1


def raw_pty() -> tuple[int, int]:
    """(master, slave), raw and non-blocking on the master side."""
    master, slave = os.openpty()
    tty.setraw(slave)
    tty.setraw(master)
    os.set_blocking(master, False)
    return master, slave


def _sealed(body: bytes) -> bytes:
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return body + struct.pack("<H", crc)
