"""What an installer asks a device without the controller: every point of a profile once (`probe`), and who is on a line (`scan`).

Nothing is written to any device. The buses are those of the power process; this module only waits for their answers.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from drivers.modbus.master import Master
from drivers.modbus.transaction import DeviceTiming, Failed, FailureKind, Outcome, Priority, Read, ReadDone, Request
from drivers.profile.codec import Params, PointCodec, Value, defaults
from drivers.profile.polled import decoded, identity_fault
from drivers.profile.schema import Block, DeviceProfile, Param
from drivers.serial_bus import SerialBus
from drivers.tcp_bus import TcpBus

ANSWER_S = 8.0
"""At most so long for one answer, connecting included."""

PRESENCE = ((3, 0, 1), (4, 0, 1))
"""Reads that any device answers, if only with an exception: function, address, count."""

PATIENT = DeviceTiming(timeout_s=0.3, turnaround_s=0.1, late_s=0.0, failures_to_back_off=99, failures_to_pace=99)
QUICK = DeviceTiming(timeout_s=0.06, turnaround_s=0.02, late_s=0.0, failures_to_back_off=99, failures_to_pace=99)


@dataclass(frozen=True, slots=True)
class PointRow:
    """One point as it was read. `verdict` is "good", or says what is wrong or unknown."""

    point: str
    value: Value
    unit: str
    registers: tuple[int, ...]
    verdict: str

    @property
    def good(self) -> bool:
        """It has a value inside its range."""
        return self.verdict.startswith("good")


def ask(bus: SerialBus | TcpBus, request: Request) -> Outcome:
    """One exchange, however the bus is made. A bus that cannot be opened ends it at once."""
    heard: list[Outcome] = []
    deadline_s = time.monotonic() + ANSWER_S
    master: Master = bus.master
    submitted = False
    while not heard:
        now_s = time.monotonic()
        bus.pump(now_s)
        health = bus.health()
        if health.connected and not submitted:
            master.submit(request, heard.append, Priority.SETPOINT)
            submitted = True
        if heard:
            break
        if now_s > deadline_s or (not health.connected and health.trouble):
            return Failed(FailureKind.DISCONNECTED, health.trouble or f"{bus.name}: no answer", now_s)
        due_s = bus.deadline_s
        wait_s = 0.02 if due_s is None else max(0.0, min(0.02, due_s - now_s))
        fd = bus.fileno()
        select.select([] if fd is None else [fd], [], [], wait_s)
    return heard[0]


def round_trips(bus: SerialBus | TcpBus, request: Read, count: int) -> Iterator[float | None]:
    """The same read so many times: seconds from the request to its answer, None for one that had none. The device's timing stays."""
    for _ in range(count):
        began_s = time.monotonic()
        outcome = ask(bus, request)
        answered = isinstance(outcome, ReadDone) or (
            isinstance(outcome, Failed) and outcome.kind is FailureKind.EXCEPTION
        )
        yield time.monotonic() - began_s if answered else None
        if isinstance(outcome, Failed) and outcome.kind is FailureKind.DISCONNECTED:
            return


def probe(bus: SerialBus | TcpBus, profile: DeviceProfile, params: Params, unit: int) -> Iterator[PointRow]:
    """Every point that the profile reads; first that of the identity. Another device's points are not read."""
    bus.master.configure(unit, PATIENT)
    codecs = {point.name: PointCodec(point, params) for point in profile.points.values()}
    home = profile.points[profile.identity.point].block
    for block in sorted(profile.blocks.values(), key=lambda block: block.name != home):
        rows = _block(bus, profile, params, unit, codecs, block)
        yield from rows
        identity = next((row for row in rows if row.point == profile.identity.point), None)
        if identity is not None and not identity.good:
            return


def _block(
    bus: SerialBus | TcpBus,
    profile: DeviceProfile,
    params: Params,
    unit: int,
    codecs: dict[str, PointCodec],
    block: Block,
) -> list[PointRow]:
    base = int(params[block.base]) if block.base is not None else 0
    outcome = ask(bus, Read(unit, block.function, base + block.start, block.count))
    points = [point for point in profile.points.values() if point.block == block.name]
    if not isinstance(outcome, ReadDone):
        detail = outcome.detail if isinstance(outcome, Failed) else "no answer"
        return [PointRow(point.name, None, point.unit, (), f"not read: {detail}") for point in points]
    values = decoded(points, codecs, block, outcome.registers)
    rows = []
    for point in points:
        start = point.address - block.start
        registers = outcome.registers[start : start + point.length]
        verdict = "good" if values[point.name] is not None else "no value: a mark for «not there», or outside its range"
        if point.name == profile.identity.point:
            verdict = identity_fault(profile, values[point.name]) or verdict
        elif point.unverified and verdict == "good":
            verdict = "good, but not verified: compare with the display"
        rows.append(PointRow(point.name, values[point.name], point.unit, registers, verdict))
    return rows


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """Somebody who answered."""

    baud: int
    format: str
    unit: int
    profiles: tuple[str, ...]
    """Those whose identity fits; several where identities are weak, none where nothing fits."""


def scan(
    open_line: Callable[[int, str], SerialBus],
    settings: Iterable[tuple[int, str]],
    units: Iterable[int],
    profiles: Iterable[DeviceProfile],
    progress: Callable[[int, str, int], None],
) -> Iterator[FoundDevice]:
    """Ask each address at each baud rate and format. Raises ConnectionError when the line cannot be opened."""
    known = [
        profile
        for profile in profiles
        if "serial" in profile.transports and all(param.default is not None for param in _addressing(profile))
    ]
    addresses = tuple(units)
    for baud, format in settings:
        bus = open_line(baud, format)
        try:
            for unit in addresses:
                progress(baud, format, unit)
                bus.master.configure(unit, QUICK)
                if _present(bus, unit):
                    yield FoundDevice(baud, format, unit, tuple(p.id for p in known if _is(bus, p, unit)))
        finally:
            bus.close()


def _addressing(profile: DeviceProfile) -> list[Param]:
    return [profile.params[block.base] for block in profile.blocks.values() if block.base is not None]


def _present(bus: SerialBus, unit: int) -> bool:
    for function, address, count in PRESENCE:
        outcome = ask(bus, Read(unit, function, address, count))
        if isinstance(outcome, ReadDone):
            return True
        if isinstance(outcome, Failed):
            if outcome.kind is FailureKind.DISCONNECTED:
                raise ConnectionError(outcome.detail)
            if outcome.kind is FailureKind.EXCEPTION:
                return True
    return False


def _is(bus: SerialBus, profile: DeviceProfile, unit: int) -> bool:
    bus.master.configure(unit, PATIENT)
    point = profile.points[profile.identity.point]
    block = profile.blocks[point.block or ""]
    params = defaults(profile)
    base = int(params[block.base]) if block.base is not None else 0
    outcome = ask(bus, Read(unit, block.function, base + block.start, block.count))
    if not isinstance(outcome, ReadDone):
        return False
    points = [p for p in profile.points.values() if p.block == block.name]
    codecs = {p.name: PointCodec(p, params) for p in points}
    return not identity_fault(profile, decoded(points, codecs, block, outcome.registers)[point.name])
