"""The CAN bus of the power process: SocketCAN, or a Unix socket with the same 16-byte frames. Moved by `pump`.

Fulfils chargepoint.ports.Bus. A port without a slash (`can0`) is a network interface: raw frames, filtered by the kernel, with
the controller's error reports. A port with a slash is the path of a Unix SEQPACKET socket, for benches without CAN in their
kernel. Bit rate and restart after bus-off belong to the system: `ip link set can0 up type can bitrate 125000 restart-ms 100`.
Source: docs/sources/hardware.md 1.4 (125 kbit/s, 29-bit identifiers), 6.1 (raw sockets of the standard library are enough).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Callable, Hashable
from typing import Protocol

from chargepoint.model.image import BusHealth
from chargepoint.ports import BusSpec
from drivers.can.frame import FRAME_BYTES, CanFilter, CanFrame, ControllerNotice, packed, packed_filter, unpacked
from drivers.can.send_queue import PACE_S, SendQueue, Urgency

REOPEN_S = 1.0
STALE_S = 0.2
"""A frame whose decision is older than this is not written: as long as the cycle may be late before it counts as a stall."""

FRAMES_PER_READ = 64
READ_PAUSE_S = 0.005
"""A full read is followed by this pause: a node that floods the bus costs at most 12 800 frames a second of work."""

TRANSMIT_BUFFER_BYTES = 4096
"""Small, so that frames wait in our queue, where a stop overtakes them, and not in the kernel's."""

_FULL = {errno.ENOBUFS, errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOMEM}
CAN_RAW_ERR_FILTER = 2
"""Of linux/can/raw.h: Python's socket module does not name it everywhere."""

_ALL_ERRORS = 0x1FFF_FFFF
_REMEDIES = {
    errno.ENOENT: "no such socket; start the simulator that makes it, or name a CAN interface such as can0",
    errno.ECONNREFUSED: "nobody listens; start the simulator that made this socket",
    errno.ENODEV: "no such interface; see `ip link`, and the port of the bus",
    errno.ENETDOWN: "the interface is down; `ip link set INTERFACE up type can bitrate 125000 restart-ms 100`",
    errno.EACCES: "permission denied; the user of this process must be allowed to use the socket",
    errno.EAFNOSUPPORT: "this kernel has no CAN; load the modules can, can_raw and the adapter's driver",
}


class CanListener(Protocol):
    """A device on a CAN bus."""

    name: str

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        """Which frames it wants."""

    def receive(self, frame: CanFrame, now_s: float) -> bool:
        """Take a frame that passed a filter. False: refused, and counted as a mismatch."""

    def queue_dropped(self) -> None:
        """What this device had queued was not sent, and never will be."""

    @property
    def unanswered(self) -> int:
        """Requests without an answer since start."""

    @property
    def late(self) -> int:
        """Answers that nobody waited for since start."""


class CanLine(Protocol):
    """What a device needs of its bus."""

    name: str

    def listen(self, listener: CanListener) -> None:
        """Hand the frames that pass the listener's filters to it."""

    def send(self, frame: CanFrame, urgency: Urgency, owner: str, kind: Hashable) -> None:
        """Queue a frame; an older one of the same owner and kind gives way."""

    def withdraw(self, owner: str, urgency: Urgency) -> None:
        """Forget what this device has queued of that urgency."""


class CanBus:
    """Opens in the first `pump`; reopens a lost adapter every second. Never blocks; wire errors are never exceptions.

    A full transmit queue of the kernel loses nothing: the frame waits in ours, in its order.
    """

    def __init__(self, spec: BusSpec, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = spec.name
        self._port = spec.port
        self._clock = clock
        self._queue = SendQueue(max(PACE_S, spec.gap_ms / 1000))
        self._listeners: list[CanListener] = []
        self._socket: socket.socket | None = None
        self._open_at_s = -1e9
        self._read_at_s = -1e9
        self._last_error = ""
        self._notice = ""
        self._ok = self._error_frames = self._refused = 0

    # -- for devices ------------------------------------------------------------------------------

    def listen(self, listener: CanListener) -> None:
        """Hand the frames that pass the listener's filters to it."""
        self._listeners.append(listener)
        if self._socket is not None:
            self._set_filters(self._socket)

    def send(self, frame: CanFrame, urgency: Urgency, owner: str, kind: Hashable) -> None:
        """Queue a frame; an older one of the same owner and kind gives way."""
        self._queue.put(frame, urgency, owner, kind)

    def withdraw(self, owner: str, urgency: Urgency) -> None:
        """Forget what this device has queued of that urgency."""
        self._queue.withdraw(owner, urgency)

    # -- for the cycle ----------------------------------------------------------------------------

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while the adapter is lost, and in the pause after a full read."""
        if self._socket is None or self._clock() < self._read_at_s:
            return None
        return self._socket.fileno()

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Hand out what arrived, send what is due, reopen a lost adapter when its time has come. Always True: what came was not looked at."""
        self._move(now_s)
        return True

    def _move(self, now_s: float) -> None:
        if self._socket is None and now_s >= self._open_at_s:
            self._open(now_s)
        if self._socket is None:
            return
        try:
            if now_s >= self._read_at_s:
                self._receive(self._socket, now_s)
            self._transmit(self._socket, now_s)
        except OSError as error:
            self._lose(error, now_s)

    @property
    def patience_s(self) -> float:
        """None: what is due here is due now."""
        return 0.0

    def drop_queued(self, now_s: float) -> None:
        """Our own process stalled: forget what is not on the wire yet, and what arrived at an unknown time."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                for _ in range(FRAMES_PER_READ * 4):
                    self._socket.recv(FRAME_BYTES)
        self._forget()

    @property
    def deadline_s(self) -> float | None:
        """When `pump` must be called even if nothing arrives."""
        if self._socket is None:
            return self._open_at_s
        queue_s = self._queue.deadline_s
        if self._clock() >= self._read_at_s:
            return queue_s
        return self._read_at_s if queue_s is None else min(queue_s, self._read_at_s)

    def health(self) -> BusHealth:
        """Counters since start. Error reports of the controller count as `crc_errors`, frames a device refused as `mismatches`."""
        return BusHealth(
            name=self.name,
            ok=self._ok,
            timeouts=sum(listener.unanswered for listener in self._listeners),
            crc_errors=self._error_frames,
            mismatches=self._refused,
            late=sum(listener.late for listener in self._listeners),
            connected=self._socket is not None,
            trouble=self._notice if self._socket is not None else self._last_error,
        )

    def close(self) -> None:
        """Give the descriptor back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._open_at_s = float("inf")

    # -- the wire ---------------------------------------------------------------------------------

    def _receive(self, wire: socket.socket, now_s: float) -> None:
        for _ in range(FRAMES_PER_READ):
            try:
                data = wire.recv(FRAME_BYTES + 1)
            except (BlockingIOError, InterruptedError):
                return
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "hung up")
            self._take(data, now_s)
        self._read_at_s = now_s + READ_PAUSE_S

    def _take(self, data: bytes, now_s: float) -> None:
        frame = unpacked(data)
        if frame is None:
            self._refused += 1
        elif isinstance(frame, ControllerNotice):
            self._error_frames += 1
            if frame.bus_off:
                self._notice = f"{self._port}: bus off; check wiring, bit rate and termination, and set restart-ms"
            elif frame.restarted:
                self._notice = ""
            elif not self._notice:
                self._notice = f"{self._port}: {frame.words or 'error report of the controller'}"
        else:
            self._notice = ""  # whoever receives a frame is on the bus
            for listener in self._listeners:
                if any(wanted.passes(frame.can_id) for wanted in listener.filters):
                    if listener.receive(frame, now_s):
                        self._ok += 1
                    else:
                        self._refused += 1

    def _transmit(self, wire: socket.socket, now_s: float) -> None:
        entry = self._queue.take(now_s)
        if entry is None:
            return
        if self._clock() - now_s > STALE_S:  # stopped between the decision and the write
            self.drop_queued(now_s)
            return
        try:
            wire.send(packed(entry.frame))
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._queue.give_back(entry, now_s)

    # -- opening ----------------------------------------------------------------------------------

    def _open(self, now_s: float) -> None:
        wire: socket.socket | None = None
        try:
            if "/" in self._port:
                wire = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                wire.setblocking(False)
                wire.connect(self._port)
            else:
                wire = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
                wire.setblocking(False)
                wire.setsockopt(socket.SOL_CAN_RAW, CAN_RAW_ERR_FILTER, _ALL_ERRORS)
                wire.bind((self._port,))
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TRANSMIT_BUFFER_BYTES)
            self._set_filters(wire)
        except OSError as error:
            if wire is not None:
                wire.close()
            self._lose(error, now_s)
            return
        self._socket, self._notice, self._read_at_s = wire, "", now_s
        self._forget()  # what was queued while the adapter was away is old

    def _set_filters(self, wire: socket.socket) -> None:
        """The kernel drops what nobody wants; on a Unix socket `_take` does."""
        if wire.family == socket.AF_UNIX:
            return
        filters = b"".join(packed_filter(wanted) for listener in self._listeners for wanted in listener.filters)
        wire.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, filters)

    def _lose(self, error: OSError, now_s: float) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        why = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        self._last_error = f"{self._port}: {why}"
        self._open_at_s = now_s + REOPEN_S
        self._forget()

    def _forget(self) -> None:
        self._queue.clear()
        for listener in self._listeners:
            listener.queue_dropped()
