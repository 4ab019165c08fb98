"""A simulated RS-485 wire: the end that the driver opens, the devices that answer, and a bridge between them that can spoil either way.

The driver's end is at the configured port. The bridge knows which units exist and answer; bus faults are injected here, on bytes:
neither end knows of them.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from hil.plant.station import Plant
from hil.simulators.modbus_frames import sealed
from hil.simulators.registers.device_map import DeviceMap
from hil.simulators.request_frames import RequestFrames
from hil.simulators.wire_devices import Devices, OwnServer, PymodbusServer
from hil.simulators.wire_ends import PtyEnd, SocketEnd, WireEnd

WRITING_FUNCTIONS = (0x05, 0x06, 0x0F, 0x10, 0x17)
WRITES_KEPT = 256
FIFO_BYTES = 8
"""A UART hands received bytes over in pieces of this size (the trigger level of a 16550's FIFO)."""
USB_BYTES = 62
"""An adapter on USB hands them over in packets of so many (FT232R: 64 with two of status). Virtual time has such adapters: a piece less is a
wake-up less of the controller."""

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
        *,
        virtual: bool = False,
        end: WireEnd | None = None,
    ) -> None:
        """`byte_s`: how long one byte takes on the wire. 0: a pty's own way, which hands whole frames over at once.

        `virtual`: the wire is a socket instead of a pty, and the devices answer by our own Modbus server: with ptys and with pymodbus
        it would depend on the computer when bytes arrive. `end`: an end that is there already, a serial device at a real cable. Its bytes come
        in pieces.
        """
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
        self._piece_bytes = USB_BYTES if virtual else FIFO_BYTES
        self._loop = asyncio.get_running_loop()
        self._faults: dict[str, tuple[int, float | None]] = {}
        self._random = random.Random(714)
        self._frames = None if end is None else RequestFrames()
        self._end: WireEnd = end or (SocketEnd(port) if virtual else PtyEnd(port))
        before = lambda: plant.advance_to(now())  # noqa: E731
        self._devices: Devices = OwnServer(maps, before) if virtual else PymodbusServer(maps, before)

    async def start(self) -> None:
        """Make the wire, and the devices that answer on it."""
        await self._devices.start(self._reply)
        self._end.listen(self._heard)

    async def stop(self) -> None:
        """Remove both."""
        self._end.close()
        await self._devices.stop()

    def fault(self, kind: str, count: int, value: float | None) -> None:
        """Spoil the next `count` transactions (0 takes the fault back); `unplugged` holds until count 0."""
        if kind == "unplugged":
            if count:
                self._end.close()
            elif not self._end.plugged:
                self._end.listen(self._heard)
        elif count:
            self._faults[kind] = (count, value)
        else:
            self._faults.pop(kind, None)

    @property
    def plugged(self) -> bool:
        """The driver's end exists."""
        return self._end.plugged

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

    def _heard(self, data: bytes) -> None:
        """A pty and a socket hand over what the driver wrote at once; a cable hands over bytes."""
        for frame in [data] if self._frames is None else self._frames.feed(data, self._now()):
            self._request(frame)

    def _request(self, data: bytes) -> None:
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
            self._loop.call_later(len(data) * self._byte_s, self._devices.ask, data)
        else:
            self._devices.ask(data)

    def _send(self, data: bytes) -> None:
        """A reply to the driver: whole, or in the pieces and at the times of a wire."""
        if not self._byte_s:
            if self._devices.turnaround_s:
                self._loop.call_later(self._devices.turnaround_s, self._write_last, data, data)
            else:
                self._write_last(data, data)
            return
        begins_s = self._loop.time() + self._devices.turnaround_s
        for start in range(0, len(data), self._piece_bytes):
            piece = data[start : start + self._piece_bytes]
            at_s = begins_s + (start + len(piece)) * self._byte_s
            if start + self._piece_bytes >= len(data):
                self._loop.call_at(at_s, self._write_last, piece, data)
            else:
                self._loop.call_at(at_s, self._end.write, piece)

    def _write_last(self, piece: bytes, frame: bytes) -> None:
        self._end.write(piece)
        if self.observer is not None:
            self.observer.replied(frame, self._now())

    def _reply(self, data: bytes) -> None:
        if len(data) < 5:
            return
        self.longest_bytes = max(self.longest_bytes, self._request_bytes + len(data))
        if self._due("wrong_function") is not None:
            function = 4 if data[1] != 4 else 3
            data = sealed(bytes((data[0], function, 2, 0x12, 0x34)))
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

    def __init__(self, name: str, port: Path, *, virtual: bool = False, end: WireEnd | None = None) -> None:
        self.name = name
        self.port = port
        self._end: WireEnd = end or (SocketEnd(port) if virtual else PtyEnd(port))

    def start(self) -> None:
        """Make the wire."""
        self._end.listen(lambda data: None)

    def stop(self) -> None:
        """Remove it."""
        self._end.close()

    def present(self, token: str) -> None:
        """Somebody holds a card to the reader."""
        self._end.write(token.encode("ascii") + b"\r\n")
