"""The Modbus TCP master's core: requests by priority, one at a time, each with a number of its own.

No socket and no clock: bytes in, bytes out, time is a number. The shell is `drivers.tcp_bus`. Fulfils `drivers.modbus.master.Master`.

The guards:

* A reply names its request by the transaction number. Another number is an older reply: it is counted as late and skipped.
* Unit, function, length (at most 260 bytes), byte count and the echo of writes are checked.
* A header that is none breaks the connection (`broken`): where the next frame begins is not known any more.
* A value is as old as its request. A silent device is asked less and less often; the others go on. The master never repeats a request.

Source: Modbus Messaging on TCP/IP V1.0b as commonly implemented (MBAP header: number, protocol 0, length, unit).
"""

from __future__ import annotations

import struct
from collections.abc import Hashable

from chargepoint.model.image import BusHealth
from drivers.modbus.frame import (
    Acknowledged,
    ExceptionReply,
    Foreign,
    Registers,
    body_of,
    function_of,
    judge,
    reply_length,
)
from drivers.modbus.master import OnDone
from drivers.modbus.queue import Queued, RequestQueue
from drivers.modbus.standing import Standing
from drivers.modbus.transaction import (
    DeviceTiming,
    Failed,
    FailureKind,
    Outcome,
    Priority,
    ReadDone,
    Request,
    WriteDone,
)

HEADER = 6
LENGTH_MAX = 254
"""Unit and PDU: what the length field of a header may say."""

NETWORK_S = 0.05
"""For the way there and back and the device's gateway, above what the device takes on a serial line (own rule)."""

DEAD_AFTER = 3
"""So many requests in a row without any byte of answer, and the connection is given up: its peer may be gone unnoticed."""


class TcpMaster:
    """One connection's master. Not thread-safe; callbacks run inside `receive` and `tick` and may submit."""

    def __init__(self, name: str, capacity: int = 64) -> None:
        self.name = name
        self.broken = ""
        """Why this connection is of no more use; the shell closes it."""
        self._queue = RequestQueue(name, capacity)
        self._units: dict[int, Standing] = {}
        self._out: Queued | None = None
        self._number = 0
        self._sent_at_s = self._timeout_at_s = -1e9
        self._buffer = bytearray()
        self._connected = False
        self._unanswered = 0
        self._others_first = False
        self._ok = self._timeouts = self._mismatches = self._late = 0

    # -- what devices use -------------------------------------------------------------------------

    def configure(self, unit: int, timing: DeviceTiming) -> None:
        """Set one device's manners. Several drivers of one unit share the slower time-out."""
        known = self._units.get(unit)
        if known is None or timing.timeout_s + timing.turnaround_s > known.timing.timeout_s + known.timing.turnaround_s:
            self._units[unit] = Standing(timing)

    def allow_quick_stop(self, unit: int, silence_s: float | None) -> None:
        """TCP needs no silence: a stop goes as soon as the request before it is answered."""

    def submit(
        self,
        request: Request,
        on_done: OnDone,
        priority: Priority,
        key: Hashable | None = None,
        not_before_s: float = -1e9,
    ) -> None:
        """Queue a request; `on_done` gets exactly one outcome, at the earliest in the next `receive` or `tick`."""
        self._queue.put(Queued(request, on_done, priority, key, not_before_s))

    # -- what the shell uses ----------------------------------------------------------------------

    def connected(self) -> None:
        """The connection is there."""
        self._connected, self.broken, self._unanswered = True, "", 0
        self._buffer.clear()
        for standing in self._units.values():
            standing.forgive()

    def disconnected(self, now_s: float, detail: str) -> None:
        """The connection is gone: everything asked fails, now and until `connected`."""
        self._connected = False
        self._buffer.clear()
        failed = Failed(FailureKind.DISCONNECTED, f"{self.name}: {detail}", now_s)
        out, self._out = self._out, None
        if out is not None:
            self._queue.deliver(out, failed)
        self._queue.fail_all(failed)

    def drop_queued(self, now_s: float) -> None:
        """Our own process did not run for too long: fail everything that was not sent yet."""
        self._queue.fail_all(Failed(FailureKind.STALE, f"{self.name}: queued before our own process stalled", now_s))

    def take_back(self, now_s: float) -> None:
        """The frame `to_send` gave last was not sent."""
        out, self._out = self._out, None
        if out is not None:
            detail = f"{self.name}: our own process stalled before sending"
            self._queue.deliver(out, Failed(FailureKind.STALE, detail, now_s))

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the connection, in any chunks."""
        self._buffer += data
        while not self.broken and len(self._buffer) >= HEADER:
            number, protocol, length = struct.unpack(">HHH", self._buffer[:HEADER])
            if protocol != 0 or not 3 <= length <= LENGTH_MAX:
                self.broken = f"no Modbus TCP header: protocol {protocol}, length {length}"
                self._mismatches += 1
                return
            if len(self._buffer) < HEADER + length:
                return
            body = bytes(self._buffer[HEADER : HEADER + length])
            del self._buffer[: HEADER + length]
            self._unanswered = 0
            if self._out is None or number != self._number:
                self._late += 1
            else:
                self._take(body, now_s)

    def tick(self, now_s: float) -> None:
        """Let time pass: time-outs, refused requests, requests to devices in back-off."""
        self._queue.deliver_refused(now_s)
        if not self._connected:
            self._queue.fail_all(Failed(FailureKind.DISCONNECTED, f"{self.name}: not connected", now_s))
            return
        if self._out is not None and now_s >= self._timeout_at_s:
            self._timeouts += 1
            self._unanswered += 1
            if self._unanswered >= DEAD_AFTER:
                self.broken = f"no answer to {DEAD_AFTER} requests in a row"
            self._bad(FailureKind.TIMEOUT, "no reply", now_s)

    def to_send(self, now_s: float) -> bytes:
        """The next request, or nothing. What is returned counts as sent at `now_s`."""
        if self._out is not None or not self._connected or self.broken:
            return b""
        self._refuse_backed_off(now_s)
        item = self._next(now_s)
        if item is None:
            return b""
        self._queue.remove(item)
        self._others_first = False
        self._out = item
        self._number = (self._number + 1) & 0xFFFF
        timing = self._standing(item.request.unit).timing
        self._sent_at_s = now_s
        self._timeout_at_s = now_s + timing.timeout_s + timing.turnaround_s + NETWORK_S
        body = body_of(item.request)
        return struct.pack(">HHH", self._number, 0, len(body)) + body

    @property
    def deadline_s(self) -> float | None:
        """When `tick` and `to_send` have something to do although nothing arrives."""
        if self._queue.refused or self.broken:
            return -1e9
        if not self._connected:
            return None
        if self._out is not None:
            return self._timeout_at_s
        return min((item.not_before_s for item in self._queue), default=None)

    @property
    def delivered(self) -> int:
        """Outcomes that drivers got, since start."""
        return self._queue.delivered

    def health(self) -> BusHealth:
        """Counters since start. An exception reply is `ok`; there is no checksum to fail."""
        return BusHealth(
            name=self.name,
            ok=self._ok,
            timeouts=self._timeouts,
            crc_errors=0,
            mismatches=self._mismatches,
            late=self._late,
            connected=self._connected,
        )

    def defects(self, now_s: float) -> str:
        """What drivers could not do with their outcomes in the last minute, in words; empty if there was nothing."""
        return self._queue.defects(now_s)

    # -- inside -----------------------------------------------------------------------------------

    def _standing(self, unit: int) -> Standing:
        return self._units.setdefault(unit, Standing())

    def _next(self, now_s: float) -> Queued | None:
        """The most urgent; after a time-out one of a device that answers, if there is one."""
        first = None
        for item in self._queue:
            if now_s < item.not_before_s:
                continue
            if not self._others_first or not self._standing(item.request.unit).silent:
                return item
            first = first or item
        return first

    def _refuse_backed_off(self, now_s: float) -> None:
        for item in self._queue:
            standing = self._standing(item.request.unit)
            if item.priority is Priority.STOP or now_s >= standing.not_before_s or not self._queue.holds(item):
                continue
            self._queue.remove(item)
            detail = f"unit {item.request.unit} failed, next try in {standing.not_before_s - now_s:.1f} s"
            self._queue.deliver(item, Failed(FailureKind.BACKED_OFF, detail, now_s))

    def _take(self, body: bytes, now_s: float) -> None:
        assert self._out is not None
        request = self._out.request
        expected = 3 if body[1] & 0x80 else reply_length(request) - 2
        reply = (
            judge(body, request) if len(body) == expected else Foreign(f"{len(body)} bytes answered, not {expected}")
        )
        match reply:
            case Registers():
                self._good(ReadDone(reply.values, self._sent_at_s))
            case Acknowledged():
                self._good(WriteDone(now_s))
            case ExceptionReply():
                detail = f"{self._what(request)}: exception {reply.code}"
                self._good(Failed(FailureKind.EXCEPTION, detail, now_s, reply.code))
            case Foreign():
                self._mismatches += 1
                self._bad(FailureKind.MISMATCH, reply.detail, now_s)

    def _what(self, request: Request) -> str:
        return f"unit {request.unit} function {function_of(request)} address {request.address}"

    def _good(self, outcome: Outcome) -> None:
        assert self._out is not None
        out, self._out = self._out, None
        self._ok += 1
        self._standing(out.request.unit).forgive()
        self._queue.deliver(out, outcome)

    def _bad(self, kind: FailureKind, detail: str, now_s: float) -> None:
        assert self._out is not None
        out, self._out = self._out, None
        standing = self._standing(out.request.unit)
        self._others_first = True
        if kind is FailureKind.TIMEOUT:
            standing.silent += 1
            if standing.silent >= standing.timing.failures_to_back_off:
                standing.not_before_s = now_s + standing.grow_backoff()
        self._queue.deliver(out, Failed(kind, f"{self._what(out.request)}: {detail}", now_s))
