"""Polling a device by its profile: identify first, then each block at its rate; decoded values with their age.

Nothing is written here. A device that does not identify itself as the profile says is asked again every few seconds and
never counts as identified.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from chargepoint.ports import DevicePoint
from drivers.modbus.master import Master
from drivers.modbus.transaction import DeviceTiming, Failed, Outcome, Priority, Read, ReadDone
from drivers.profile.codec import Params, PointCodec, Value
from drivers.profile.schema import Block, DeviceProfile, Point

IDENTIFY_EVERY_S = 2.0
FORMS_MAX = 6
"""So many ways to read a block in two parts are enough: one is used up with each lost reply, for some seconds."""
CALM_SLOWER = 4
CALM_BELOW_S = 0.25
"""Blocks with a longer period keep their period: the age of their values is judged by it."""
FORGET_S = 10.0
"""A device that was silent this long may be another one when it comes back."""


class PolledProfile:
    """One device's blocks. `values` holds the last decoded values (None: the device gave no valid one)."""

    def __init__(
        self,
        name: str,
        profile: DeviceProfile,
        params: Params,
        unit: int,
        master: Master,
        on_block: Callable[[str, float], None],
    ) -> None:
        self.name = name
        self.profile = profile
        self.params = params
        self.unit = unit
        self.values: dict[str, Value] = {}
        self.identified = False
        self.identity_error = ""
        self.last_failure = ""
        self.calm = False
        """Nothing is ordered of the device: its fast blocks are read `CALM_SLOWER` times less often."""
        self.codecs: Mapping[str, PointCodec] = {
            point.name: PointCodec(point, params) for point in profile.points.values()
        }
        self._master = master
        self._on_block = on_block
        self._points = {
            block.name: [point for point in profile.points.values() if point.block == block.name]
            for block in profile.blocks.values()
        }
        self._requests = {
            block.name: _request(unit, block, self._points[block.name], params) for block in profile.blocks.values()
        }
        self._registers: dict[str, tuple[int, ...]] = {}
        """Of each block, as decoded last into `values`."""
        self._due_s: dict[str, float] = dict.fromkeys(profile.blocks, -1000000000.0)
        self._asked: set[str] = set()
        self._once_more: set[str] = set()
        self._overtaking: set[str] = set()
        self._heard_at_s = -1e9
        self._read: dict[str, tuple[tuple[int, ...], float]] = {}
        """Of each block its last registers, and from when they are."""
        self._identity_block = profile.points[profile.identity.point].block
        timing = profile.timing
        master.configure(
            unit,
            DeviceTiming(
                timeout_s=timing.timeout_s,
                turnaround_s=timing.turnaround_s,
                late_s=timing.late_s,
                gap_s=timing.gap_s,
                backoff_min_s=timing.backoff_min_s,
                backoff_max_s=timing.backoff_max_s,
            ),
        )

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due: the identity's alone until it is known."""
        if self.identified and now_s - self._heard_at_s > FORGET_S:
            self._forget()
        for block in self.profile.blocks.values():
            due = now_s >= self._due_s[block.name] or block.name in self._once_more
            if not due or block.name in self._asked:
                continue
            if not self.identified:
                if block.name != self._identity_block:
                    continue
                self._ask(block, now_s, IDENTIFY_EVERY_S)
            elif block.every_s is not None:
                self._ask(block, now_s, self._period_s(block.every_s))

    def _period_s(self, every_s: float) -> float:
        return every_s * CALM_SLOWER if self.calm and every_s < CALM_BELOW_S else every_s

    def refresh(self, block: str, *, overtaking: bool = False) -> None:
        """Read this block once more, at the next poll; its rhythm stays, so that it goes on meeting nobody else's on the wire.

        `overtaking`: that one read goes before the slow reads of every device on the wire.
        """
        self._once_more.add(block)
        if overtaking:
            self._overtaking.add(block)

    def refresh_point(self, dotted: str) -> None:
        """Read the block of `point` or `point.bit` at the next poll."""
        block = self.profile.points[dotted.partition(".")[0]].block
        if block is not None:
            self.refresh(block)

    def address(self, point: str) -> int:
        """The point's address on the wire, base added."""
        found = self.profile.points[point]
        base = self.profile.blocks[found.block].base if found.block is not None else None
        return found.address + (int(self.params[base]) if base is not None else 0)

    def bit(self, dotted: str) -> int | None:
        """`point.bit` or `point.word` of the last raw value; None before the first."""
        name, _, bit = dotted.partition(".")
        raw = self.values.get(name)
        return self.codecs[name].bit(raw, bit) if isinstance(raw, float) else None

    def number(self, point: str) -> float | None:
        """The last number; None if there is no valid one."""
        value = self.values.get(point)
        return value if isinstance(value, float) else None

    def assume(self, point: str, value: float) -> None:
        """The device took this value in a write: it counts until its block is read again."""
        self.values[point] = value
        block = self.profile.points[point].block
        if block is not None:
            self._registers.pop(block, None)

    def points(self) -> Iterator[DevicePoint]:
        """Every point that is read, with its registers."""
        for point in self.profile.points.values():
            if point.block is not None:
                yield self._shown(point, self.profile.blocks[point.block])

    def _shown(self, point: Point, block: Block) -> DevicePoint:
        registers, at_s = self._read.get(block.name, ((), None))
        start = point.address - block.start
        value = self.values.get(point.name)
        trouble = self.identity_error if point.name == self.profile.identity.point else ""
        if at_s is None:
            trouble = f"not read: {self.last_failure or 'no answer yet'}"
        elif value is None:
            trouble = trouble or "no value: a mark for «not there», or outside its range"
        word = point.enum.get(int(value)) if isinstance(value, float) and point.enum else None
        own = registers[start : start + point.length]
        return DevicePoint(point.name, word or value, point.unit, own, at_s, trouble, block.every_s or math.inf)

    def _forget(self) -> None:
        self.identified = False
        self.values.clear()
        self._registers.clear()
        self._due_s = dict.fromkeys(self.profile.blocks, -1e9)

    def _ask(self, block: Block, now_s: float, every_s: float, *, in_time: bool = False) -> None:
        """Queue the block's read, for now or `in_time`: for when it is due."""
        due_s = self._due_s[block.name]
        # keep the rhythm where possible: a late poll does not shift the next one, nor does a read once more
        if now_s >= due_s or in_time:
            self._due_s[block.name] = due_s + every_s if now_s - due_s < every_s else now_s + every_s
        self._once_more.discard(block.name)
        self._asked.add(block.name)
        not_before_s = max(due_s, now_s) if in_time else now_s
        priority = Priority.FAST if block.fast or block.name in self._overtaking else Priority.SLOW
        self._overtaking.discard(block.name)
        request, done = self._requests[block.name], lambda outcome: self._done(block, outcome)
        self._master.submit(request, done, priority, not_before_s=not_before_s)

    def _done(self, block: Block, outcome: Outcome) -> None:
        self._asked.discard(block.name)
        match outcome:
            case ReadDone():
                self._heard_at_s = max(self._heard_at_s, outcome.at_s)
                if block.name in self._read and outcome.at_s < self._read[block.name][1]:
                    return  # it may be an old reply, and what is known is newer. The next one is dated by this one
                self._decode(block, outcome.registers)
                self._read[block.name] = (outcome.registers, outcome.at_s)
                if block.name == self._identity_block and not self.identified:
                    self._identify()
                    if self.identified:
                        self._due_s[block.name] = -1e9  # from now on at its own rate
                self._on_block(block.name, outcome.at_s)
                if block.fast and block.every_s is not None and not self.calm and block.name not in self._asked:
                    self._ask(block, outcome.at_s, block.every_s, in_time=True)  # no tick has to fall together with it
            case Failed():
                self.last_failure = outcome.detail
            case _:
                pass

    def _decode(self, block: Block, registers: tuple[int, ...]) -> None:
        if self._registers.get(block.name) == registers:
            return  # the same bits: the values stand
        self.values.update(decoded(self._points[block.name], self.codecs, block, registers))
        self._registers[block.name] = registers

    def _identify(self) -> None:
        fault = identity_fault(self.profile, self.values.get(self.profile.identity.point))
        self.identified = not fault
        self.identity_error = f"{self.name}: {fault}" if fault else ""


def _request(unit: int, block: Block, points: Sequence[Point], params: Params) -> Read:
    base = int(params[block.base]) if block.base is not None else 0
    return Read(unit, block.function, base + block.start, block.count, other_forms(block, points))


def other_forms(block: Block, points: Sequence[Point]) -> tuple[tuple[int, ...], ...]:
    """How else a block can be read: with spare registers behind it, or in two parts. No part cuts a point, or a point from its
    exponent or its sign: values that belong together come in one frame."""
    longer = [(block.count + more,) for more in range(1, block.spare + 1) if block.count + more <= 125]
    spans = [_span(point, points) for point in points]
    cuts = [
        cut
        for cut in range(1, block.count)
        if 2 * cut != block.count and not any(first < block.start + cut < end for first, end in spans)
    ]
    return (*longer, *((cut, block.count - cut) for cut in cuts[:FORMS_MAX]))


def _span(point: Point, points: Sequence[Point]) -> tuple[int, int]:
    """First register and end of a point and what it is decoded with."""
    names = {point.scale_point, (point.sign_from or "").partition(".")[0]}
    together = [point, *(other for other in points if other.name in names)]
    return min(p.address for p in together), max(p.address + p.length for p in together)


def decoded(
    points: Sequence[Point], codecs: Mapping[str, PointCodec], block: Block, registers: tuple[int, ...]
) -> dict[str, Value]:
    """The points of one block from its registers; exponents and signs come from the same read."""
    found: dict[str, Value] = {}
    for point in sorted(points, key=lambda p: p.scale_point is not None):
        exponent: Value = 0.0 if point.scale_point is None else found[point.scale_point]
        start = point.address - block.start
        found[point.name] = codecs[point.name].decode(
            registers[start : start + point.length], exponent if isinstance(exponent, float) else None
        )
    for point in points:
        if point.sign_from is not None:
            name, _, bit = point.sign_from.partition(".")
            raw, value = found[name], found[point.name]
            if isinstance(raw, float) and isinstance(value, float) and codecs[name].bit(raw, bit):
                found[point.name] = -value
    return found


def identity_fault(profile: DeviceProfile, value: Value) -> str:
    """What is wrong with the value of the identity's point; empty if it is that of the profile."""
    identity = profile.identity
    if identity.equals is not None:
        good, wanted = value == identity.equals, f"{identity.equals:g}"
    else:
        shown = f"{value:g}" if isinstance(value, float) else str(value or "")
        good, wanted = re.search(identity.regex or "", shown) is not None, f"a match of {identity.regex}"
    if good:
        return ""
    return f"{identity.point} = {value!r}: expected {wanted} (profile {profile.id}); check unit number and profile"
