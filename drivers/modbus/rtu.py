"""The RTU master's core: a queue by priority, one outstanding transaction, and every guard of docs/sources/hardware.md 6.3.

No descriptor and no clock: bytes in, bytes out, time is a number. The shell is `drivers.serial_bus`.

The guards:

* Before each request the bus is silent for t3.5 plus the device's and the bus's gap.
* Input that belongs to no request is discarded and counted.
* Unit, function, byte count, CRC and the echo of writes are checked.
* A frame of another device is skipped: the answer may still follow. Bytes that are here before an answer can be are discarded.
* After a time-out, a CRC error or a mismatch the bus is in quarantine for the device's turnaround plus the longest reply.
* A lost reply may come seconds later. Meanwhile its registers are read in another form (`Read.other_forms`), so that the late reply is
  recognised. Where there is no other form the answer counts as undated, and that is no value.
* A value is as old as its request. It is older where its reply may be a second copy (`freshness.py`).
* A silent device is asked less and less often.
* The master never repeats a write. A device driver decides that, by reading back.

A device that does not answer costs the others a time-out and a quarantine. After every failure another device has the next turn.
All devices that failed lately together get a third of the wire (`FAILING_SHARE`). The first stop to a device goes at once all the
same. Later stops wait for their turn in the queue. So no device waits for longer than one failure. A pilot/IO board must be heard
each 0.25 s. Its wire bears devices whose time-out and turnaround are 0.15 s together.

Not handled: an adapter that echoes what we send (an echo of a write looks like its answer). Switch the echo off.
"""

from __future__ import annotations

import math
from collections.abc import Hashable

from chargepoint.model.image import BusHealth
from drivers.modbus.frame import (
    BITS,
    MAX_FRAME,
    Acknowledged,
    ExceptionReply,
    Foreign,
    Found,
    FramedExchange,
    Registers,
    exchange_of,
    find_frame,
    function_of,
    judge,
    next_frame,
)
from drivers.modbus.freshness import OWED_S
from drivers.modbus.master import OnDone
from drivers.modbus.queue import Queued, RequestQueue
from drivers.modbus.standing import Standing, clean_form, form_to_ask
from drivers.modbus.transaction import (
    DeviceTiming,
    Failed,
    FailureKind,
    Outcome,
    Priority,
    Read,
    ReadDone,
    ReadWriteRegisters,
    Request,
    WriteDone,
)

_BUFFER = 2 * MAX_FRAME

FAILING_SHARE = 1 / 3
"""Of the wire's time, for all devices together that failed lately (own rule)."""

_BABBLE_PATIENCE_S = 0.1
"""A wire that is never silent is written to all the same after this long: the only chance a stop has."""


class RtuMaster:
    """One wire's master. Not thread-safe; callbacks run inside `receive` and `tick` and may submit. A callback
    that raises ends nothing but itself (`defects`).

    The queue holds at most `capacity` requests. When it is full, the youngest of the least urgent gives way to a more
    urgent newcomer, otherwise the newcomer is refused; either way the loser's callback hears Failed(OVERFLOW).
    """

    def __init__(self, name: str, baud: int, format: str = "8E1", gap_s: float = 0.0, capacity: int = 64) -> None:
        self.name = name
        self._char_s = BITS[format] / baud
        self._silence_s = max(3.5 * self._char_s, 0.00175) + gap_s
        self._queue = RequestQueue(name, capacity)
        self._units: dict[int, Standing] = {}
        self._doubted: set[int] = set()
        """Units whose last exchange failed. While it is empty nobody's manners hold a request up."""
        self._out: Queued | None = None
        self._exchange: FramedExchange | None = None
        """What is on the wire, while `_out` is not None."""
        self._timeout_at_s = 0.0
        self._complete_at_s: float | None = None
        self.reply_at_s = -1e9
        """The request that was sent last: when its whole reply can be here at the earliest, by the wire's speed alone."""
        self._buffer = bytearray()
        self._busy_at_s = -1e9
        self._waiting_since_s: float | None = None
        self._quarantine_until_s = -1e9
        self._held_until_s = -1e9
        self._answered_unit: int | None = None
        """The device whose answer was the last thing on the wire."""
        self._sent_at_s = 0.0
        self._earliest_s = -1e9
        self._foreign, self._intruder = "", 0
        self.paced = False
        """The wire takes its baud rate's time: a UART does, a pseudo-terminal does not."""
        self._failing_from_s = -1e9
        self._others_first = False
        self._failed_unit = 0
        self._answer_end = self._early = 0
        self._connected = False
        self._ok = self._timeouts = self._crc = self._mismatches = self._late = 0

    # -- what devices use -------------------------------------------------------------------------

    def configure(self, unit: int, timing: DeviceTiming) -> None:
        """Set one device's manners. Several drivers of one unit share the slower of each figure."""
        known = self._units.get(unit)
        if known is None:
            self._units[unit] = Standing(timing)
            return
        known.timing = DeviceTiming(
            timeout_s=max(known.timing.timeout_s, timing.timeout_s),
            turnaround_s=max(known.timing.turnaround_s, timing.turnaround_s),
            late_s=max(known.timing.late_s, timing.late_s),
            gap_s=max(known.timing.gap_s, timing.gap_s),
            failures_to_back_off=max(known.timing.failures_to_back_off, timing.failures_to_back_off),
            failures_to_pace=max(known.timing.failures_to_pace, timing.failures_to_pace),
            backoff_min_s=max(known.timing.backoff_min_s, timing.backoff_min_s),
            backoff_max_s=max(known.timing.backoff_max_s, timing.backoff_max_s),
        )

    def allow_quick_stop(self, unit: int, silence_s: float | None) -> None:
        """An order to stop may follow this device's own answer after `silence_s`; None: after the silence that others need too."""
        self._standing(unit).quick_stop_s = silence_s

    def submit(
        self,
        request: Request,
        on_done: OnDone,
        priority: Priority,
        key: Hashable | None = None,
        not_before_s: float = -1e9,
    ) -> None:
        """Queue a request; `on_done` hears exactly one outcome, at the earliest in the next `receive` or `tick`.

        With a `key` a queued request of the same key is replaced in its place. The newest payload wins; the more urgent
        priority and the earlier time stay. The callback of the replaced request is never called. A request already on the wire
        is not touched. `not_before_s`: nobody waits for it, nor is it sent, before that time.
        """
        self._held_until_s = -1e9
        self._queue.put(Queued(request, on_done, priority, key, not_before_s))

    # -- what the shell uses ----------------------------------------------------------------------

    def connected(self, now_s: float) -> None:
        """The wire is there. Back-off starts afresh."""
        self._connected = True
        self._buffer.clear()
        self._quarantine_until_s = -1e9
        self._busy_at_s = now_s
        self._failing_from_s, self._others_first = -1e9, False
        self._doubted.clear()
        for standing in self._units.values():
            standing.forgive()
            standing.memory.forget()

    def disconnected(self, now_s: float, detail: str) -> None:
        """The wire is gone: everything asked fails, now and until `connected`."""
        self._connected = False
        failed = Failed(FailureKind.DISCONNECTED, f"{self.name}: {detail}", now_s)
        out, self._out = self._out, None
        self._buffer.clear()
        if out is not None:
            self._queue.deliver(out, failed)
        self._queue.fail_all(failed)

    def drop_queued(self, now_s: float) -> None:
        """Our own process did not run for too long: fail everything that was not sent yet. What is on the wire stays."""
        self._queue.fail_all(Failed(FailureKind.STALE, f"{self.name}: queued before our own process stalled", now_s))

    def take_back(self, now_s: float) -> None:
        """The frame `to_send` gave last was not sent: its request fails as stale, without a quarantine."""
        out, self._out = self._out, None
        if out is not None:
            self._queue.deliver(
                out, Failed(FailureKind.STALE, f"{self.name}: our own process stalled before sending", now_s)
            )

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the wire, in any chunks."""
        if not data:
            return
        self._busy_at_s = now_s
        self._buffer += data
        if self._out is not None and now_s < self._earliest_s:
            self._late += 1  # our request is still leaving: this answers an older one
            self._count_late(now_s)
            self._early = len(self._buffer)
            return
        if len(self._buffer) > _BUFFER:
            del self._buffer[: len(self._buffer) - _BUFFER]
        if self._out is None:
            self._answered_unit = None  # somebody else talks
            self._count_late(now_s)
            return
        self._try_reply(now_s, final=False)
        if self._out is not None and self._exchange is not None:
            missing = self._exchange.reply_bytes - len(self._buffer)
            self._complete_at_s = min(now_s + missing * self._char_s, self._timeout_at_s)

    @property
    def complete_at_s(self) -> float | None:
        """While a part of a reply is here: when the rest of it can be. Reading before finds only single bytes."""
        return self._complete_at_s

    def tick(self, now_s: float) -> None:
        """Let time pass: time-outs, refused requests, requests to devices in back-off."""
        if self._queue.refused:
            self._queue.deliver_refused(now_s)
        if not self._connected:
            self._queue.fail_all(Failed(FailureKind.DISCONNECTED, f"{self.name}: not connected", now_s))
            return
        if self._out is None or (self._complete_at_s is not None and now_s >= self._complete_at_s):
            self._complete_at_s = None
        if self._out is not None and now_s >= self._timeout_at_s:
            self._try_reply(now_s, final=True)

    def to_send(self, now_s: float) -> bytes:
        """The next request if its time has come, else nothing. What is returned counts as sent at `now_s`."""
        if self._out is not None or not self._connected:
            return b""
        if not self._queue:
            self._waiting_since_s = None
            return b""
        if self._answered_unit is not None and now_s <= self._busy_at_s and self._waiting_since_s is None:
            return b""  # an answer came just now, and nothing may follow it without a silence
        self._refuse_backed_off(now_s)
        item = self._next(now_s)
        if item is None:
            self._waiting_since_s = None
            return b""
        if self._waiting_since_s is None:
            self._waiting_since_s = now_s
        free_at_s = self._free_at_s(item)
        if now_s < free_at_s:
            self._held_until_s = free_at_s  # others that could go sooner are less urgent: they wait too
            return b""
        self._queue.remove(item)
        self._waiting_since_s = None
        self._discard_stale()
        standing = self._standing(item.request.unit)
        if isinstance(item.request, Read) and not item.counts:
            item.counts = form_to_ask(item.request, standing, now_s)
        exchange = self._exchange = exchange_of(item.on_wire)
        frame = exchange.frame
        standing.tried_at_s = self._sent_at_s = now_s
        standing.stop_tried |= item.priority is Priority.STOP
        self._others_first &= standing.failed > 0 and item.request.unit == self._failed_unit
        timing = standing.timing
        wire_s = (len(frame) + exchange.reply_bytes) * self._char_s
        self._foreign, self._intruder = "", 0
        self._earliest_s = now_s + (len(frame) + 1) * self._char_s if self.paced else -1e9
        self._out = item
        self._answered_unit = None
        self._busy_at_s = now_s + len(frame) * self._char_s
        self.reply_at_s = now_s + wire_s
        self._timeout_at_s = now_s + wire_s + timing.timeout_s
        return frame

    @property
    def deadline_s(self) -> float | None:
        """When `tick` and `to_send` have something to do although nothing arrives."""
        if self._queue.refused:
            return -1e9
        if not self._connected:
            return None
        if self._out is not None:
            return self._timeout_at_s if self._complete_at_s is None else self._complete_at_s
        first_s = math.inf
        for item in self._queue:
            due_s = max(self._free_at_s(item), self._turn_at_s(item) if self._doubted else item.not_before_s)
            if due_s < first_s:
                first_s = due_s
        return None if first_s == math.inf else max(first_s, self._held_until_s)

    @property
    def unhurried(self) -> bool:
        """Only slow reads are out or wait."""
        return (self._out is None or self._out.priority is Priority.SLOW) and self._queue.unhurried

    @property
    def answered(self) -> int:
        """Good answers since start."""
        return self._ok

    @property
    def delivered(self) -> int:
        """Outcomes that drivers got, since start."""
        return self._queue.delivered

    def health(self) -> BusHealth:
        """Counters since start. An exception reply is `ok`: the wire did its work."""
        return BusHealth(
            name=self.name,
            ok=self._ok,
            timeouts=self._timeouts,
            crc_errors=self._crc,
            mismatches=self._mismatches,
            late=self._late,
            connected=self._connected,
        )

    def defects(self, now_s: float) -> str:
        """What drivers could not do with their outcomes in the last minute, in words; empty if there was nothing."""
        return self._queue.defects(now_s)

    # -- inside -----------------------------------------------------------------------------------

    def _standing(self, unit: int) -> Standing:
        standing = self._units.get(unit)
        if standing is None:
            standing = self._units[unit] = Standing()
        return standing

    def _free_at_s(self, item: Queued) -> float:
        standing = self._units.get(item.request.unit) or self._standing(item.request.unit)
        silence_s = self._silence_s + standing.timing.gap_s
        quick_s = standing.quick_stop_s
        if item.priority is Priority.STOP and quick_s is not None and self._answered_unit == item.request.unit:
            # only the device that just answered must separate the two frames: the others wait for their own silence
            silence_s = max(3.5 * self._char_s, quick_s)
        silent_at_s = self._busy_at_s + silence_s
        if self._waiting_since_s is not None:
            silent_at_s = min(silent_at_s, self._waiting_since_s + silence_s + _BABBLE_PATIENCE_S)
        return max(silent_at_s, self._quarantine_until_s)

    def _turn_at_s(self, item: Queued) -> float:
        """When it may go for its device's manners; those of devices that failed lately share one allowance."""
        standing = self._standing(item.request.unit)
        first_stop = item.priority is Priority.STOP and not standing.stop_tried
        return max(item.not_before_s, self._failing_from_s) if standing.paced and not first_stop else item.not_before_s

    def _refuse_backed_off(self, now_s: float) -> None:
        """Fail what is for devices in back-off; a stop is kept."""
        if not self._doubted:
            return
        for item in self._queue:
            standing = self._standing(item.request.unit)
            if item.priority is Priority.STOP or now_s >= standing.not_before_s or not self._queue.holds(item):
                continue
            self._queue.remove(item)
            detail = f"unit {item.request.unit} failed, next try in {standing.not_before_s - now_s:.1f} s"
            self._queue.deliver(item, Failed(FailureKind.BACKED_OFF, detail, now_s))

    def _next(self, now_s: float) -> Queued | None:
        """The most urgent request that may go.

        After a failure a device that answers is next, and of these the one with the shortest time-out, whatever the priority.
        The other requests, stops too, may be for devices that failed from the same cause. Of the devices that failed lately
        the one that has waited longest is next.
        """
        if not self._doubted and not self._others_first:
            for item in self._queue:
                if now_s >= item.not_before_s:
                    return item
            return None
        ready = [item for item in self._queue if now_s >= self._turn_at_s(item)]
        if self._others_first:
            others = [item for item in ready if not self._standing(item.request.unit).failed]
            others = others or [
                item
                for item in ready
                if item.request.unit != self._failed_unit and not self._standing(item.request.unit).paced
            ]
            if others:
                return min(others, key=self._timeout_s)
        failing = [item for item in ready if self._standing(item.request.unit).paced]
        turn = min(failing, key=lambda item: self._standing(item.request.unit).tried_at_s, default=None)
        return next((item for item in ready if item is turn or not self._standing(item.request.unit).paced), None)

    def _timeout_s(self, item: Queued) -> float:
        return self._standing(item.request.unit).timing.timeout_s

    def _try_reply(self, now_s: float, final: bool) -> None:
        assert self._out is not None and self._exchange is not None
        request = self._exchange.request
        data = bytes(self._buffer)
        if not self._early and self._exchange.answered_by(data):  # what comes nearly always
            self._take(request, Found(data, len(data), judge(data[:-2], request)), data, now_s)
            return
        found = find_frame(data, request, final)
        while found is not None and (begins := found.end - len(found.frame)) >= 0:
            if isinstance(found.reply, Foreign) and found.frame[0] != request.unit:
                self._mismatches += 1
                self._foreign, self._intruder = found.reply.detail, found.frame[0]
            elif begins >= self._early:
                break
            self._note_stray(found.frame, now_s)
            del self._buffer[: found.end]
            self._early = max(0, self._early - found.end)
            data = bytes(self._buffer)
            found = find_frame(data, request, final)
        if found is not None:
            self._take(request, found, data, now_s)
        elif final:
            self._give_up(request, now_s)

    def _give_up(self, request: Request, now_s: float) -> None:
        """The time is over, and no frame that could be the answer came."""
        self._answer_end = 0
        if self._foreign:
            self._bad(FailureKind.MISMATCH, f"{self._what(request)}: {self._foreign}", now_s)
        elif self._buffer:
            self._crc += 1
            detail = f"{self._what(request)}: {len(self._buffer)} bytes, no intact frame"
            self._bad(FailureKind.CRC, detail, now_s)
        else:
            self._timeouts += 1
            self._bad(FailureKind.TIMEOUT, f"{self._what(request)}: no reply", now_s)

    def _take(self, request: Request, found: Found, data: bytes, now_s: float) -> None:
        """Judge the frame that was found in `data` for this request."""
        self._answer_end = found.end
        frame, reply = found.frame, found.reply
        memory = self._standing(request.unit).memory
        match reply:
            case Registers():
                if isinstance(request, ReadWriteRegisters) or (isinstance(request, Read) and request.counted):
                    # its device counts its samples, and the driver looks at that counter
                    self._good(ReadDone(reply.values, self._sent_at_s))
                    return
                assert isinstance(request, Read)
                at_s = memory.date(request, frame, self._sent_at_s, now_s, self._late_s(request.unit))
                rest = find_frame(data[found.end :], request, True) if found.end < len(data) else None
                if rest is not None and isinstance(rest.reply, Registers) and rest.frame != frame:
                    memory.date(request, rest.frame, self._sent_at_s, now_s, self._late_s(request.unit))
                    at_s = None
                self._read(reply.values, at_s, now_s)
            case Acknowledged():
                assert not isinstance(request, Read | ReadWriteRegisters)
                proved = memory.proves(request, now_s)
                memory.wrote(request, self._sent_at_s, answered=True)
                detail = "" if proved else f"{self._what(request)}: the echo may be that of an older write"
                self._good(WriteDone(now_s) if proved else Failed(FailureKind.UNDATED, detail, now_s))
            case ExceptionReply():
                if isinstance(request, Read) and memory.owes(request.function, request.count, now_s):
                    memory.lost(request, self._sent_at_s, self._sent_at_s + OWED_S)  # it may be the older one's
                detail = f"{self._what(request)}: exception {reply.code}"
                self._good(Failed(FailureKind.EXCEPTION, detail, now_s, reply.code))
            case Foreign():
                self._mismatches += 1
                self._note_stray(frame, now_s)
                self._bad(FailureKind.MISMATCH, f"{self._what(request)}: {reply.detail}", now_s)

    @staticmethod
    def _what(request: Request) -> str:
        return f"unit {request.unit} function {function_of(request)} address {request.address}"

    def _late_s(self, unit: int) -> float:
        return self._standing(unit).timing.late_s

    def _read(self, values: tuple[int, ...], at_s: float | None, now_s: float) -> None:
        """Registers of the frame that is out: the whole read, or the next part of it."""
        item = self._out
        assert item is not None and isinstance(item.request, Read)
        request = item.request
        if at_s is None:
            form = clean_form(request, self._standing(request.unit), now_s)
            if item.asked_again or form is None:
                detail = f"{self._what(request)}: the reply may be that of an older request"
                self._good(Failed(FailureKind.UNDATED, detail, now_s))
                return
            item.asked_again, item.counts, item.registers, item.dated_s = True, form, (), math.inf
            self._ask_on(item)
            return
        item.counts = item.counts[1:]
        item.registers, item.dated_s = item.registers + values, min(item.dated_s, at_s)
        if not item.counts:
            self._good(ReadDone(item.registers[: request.count], item.dated_s))
            return
        self._ask_on(item)

    def _ask_on(self, item: Queued) -> None:
        """The device answered; this read goes on with its next frame, before everything but a stop."""
        self._out = None
        self._keep_rest()
        self._ok += 1
        self._forgive(item.request.unit)
        item.priority = min(item.priority, Priority.SETPOINT)
        self._queue.put_first(item)

    def _good(self, outcome: Outcome) -> None:
        assert self._out is not None
        out, self._out = self._out, None
        self._keep_rest()
        self._ok += 1
        self._answered_unit = out.request.unit
        self._forgive(out.request.unit)
        self._queue.deliver(out, outcome)

    def _forgive(self, unit: int) -> None:
        """It answered."""
        if unit in self._doubted or self._standing(unit).stop_tried:
            self._doubted.discard(unit)
            self._standing(unit).forgive()

    def _keep_rest(self) -> None:
        """What came behind the answer may be the beginning of a frame nobody waits for; that is to be known too."""
        del self._buffer[: self._answer_end]

    def _bad(self, kind: FailureKind, detail: str, now_s: float) -> None:
        assert self._out is not None
        out, self._out = self._out, None
        self._buffer.clear()
        assert self._exchange is not None
        wire = self._exchange.request
        standing = self._standing(out.request.unit)
        timing = standing.timing
        self._quarantine_until_s = now_s + timing.turnaround_s + self._exchange.reply_bytes * self._char_s
        to_blame, blamed = standing, out.request.unit
        intruder = self._units.get(self._intruder)
        if intruder is not None and intruder.memory.owes_any(now_s):
            to_blame, blamed = intruder, self._intruder  # its late reply took the turn of the device that was asked
        to_blame.failed += 1
        self._doubted |= {out.request.unit, blamed}
        standing.silent += kind is FailureKind.TIMEOUT
        self._others_first, self._failed_unit = True, out.request.unit
        if to_blame.paced:
            cost_s = self._quarantine_until_s - self._sent_at_s
            self._failing_from_s = self._quarantine_until_s + cost_s * (1 / FAILING_SHARE - 1)
        # a garbled reply has been and gone, a missing one may still come
        late_s = 0.0 if kind is FailureKind.CRC else timing.late_s
        if isinstance(wire, Read) and wire.counted:
            pass  # a late reply shows its age by the device's counter
        elif isinstance(wire, Read):
            standing.memory.lost(wire, self._sent_at_s, now_s + (timing.late_s if kind is FailureKind.CRC else OWED_S))
            late_s = late_s if clean_form(out.request, standing, now_s) is None else 0.0
        elif not isinstance(wire, ReadWriteRegisters):
            standing.memory.wrote(wire, self._sent_at_s, answered=False)
        standing.not_before_s = now_s + late_s
        if standing.silent >= timing.failures_to_back_off:
            standing.not_before_s = now_s + max(standing.grow_backoff(), late_s)
        self._queue.deliver(out, Failed(kind, detail, now_s))

    def _count_late(self, now_s: float) -> None:
        """Bytes nobody waits for: take note of whole replies, forget the rest."""
        while (stray := next_frame(bytes(self._buffer))) is not None:
            self._note_stray(stray.frame, now_s)
            del self._buffer[: stray.end]

    def _note_stray(self, frame: bytes, now_s: float) -> None:
        standing = self._units.get(frame[0])
        if standing is not None and frame[1] in (1, 2, 3, 4):
            count = frame[2] // 2 if frame[1] > 2 else frame[2] * 8
            asked = self._out is not None and self._out.request.unit == frame[0]
            self._late += standing.memory.stray(frame[1], count, frame, now_s, asked=asked)

    def _discard_stale(self) -> None:
        self._early = 0
        self._buffer.clear()
