"""A bus in memory: an RtuMaster whose frames are answered at once by register maps, time as a number."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from drivers.modbus.frame import intact, sealed
from drivers.modbus.rtu import RtuMaster

TICK_S = 0.01


class Table:
    """The simplest device: registers in dictionaries, and exceptions by address."""

    def __init__(self, unit: int, holding: dict[int, int] | None = None, inputs: dict[int, int] | None = None) -> None:
        self.unit = unit
        self.tables = {3: holding or {}, 4: inputs or {}}
        self.coil: dict[int, int] = {}
        self.refuse: dict[int, int] = {}
        self.silent = False

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        table = self.tables[function]
        if any(address + i not in table for i in range(count)):
            return None
        return [table[address + i] for i in range(count)]

    def write(self, function: int, address: int, values: list[int]) -> int:
        if address in self.refuse:
            return self.refuse[address]
        if function == 5:
            self.coil[address] = values[0]
        else:
            self.tables[3].update(enumerate(values, start=address))
        return 0


class ScriptedBus:
    """`run` polls devices every 10 ms and answers what they send; `sent` lists (time, frame)."""

    def __init__(self, maps: Iterable[Any], step: Callable[[float], None] | None = None) -> None:
        self.name = "scripted"
        self.master = RtuMaster("scripted", 115200)
        self.maps = {device.unit: device for device in maps}
        self.now_s = 100.0
        self.sent: list[tuple[float, bytes]] = []
        self.spoil: Callable[[bytes, bytes | None], bytes | None] = lambda request, reply: reply
        self._step = step
        self.master.connected(self.now_s)

    def run(self, devices: Sequence[Any], seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """True when `until` came true (or there was none)."""
        for _ in range(round(seconds / TICK_S)):
            for device in devices:
                device.poll(self.now_s)
            self._exchange(self.now_s + TICK_S)
            if self._step is not None:
                self._step(TICK_S)
            if until is not None and until():
                return True
        return until is None

    def _exchange(self, end_s: float) -> None:
        while True:
            self.master.tick(self.now_s)
            frame = self.master.to_send(self.now_s)
            if frame:
                self.sent.append((self.now_s, frame))
                reply = self.spoil(frame, self._answer(frame))
                self.now_s += 0.001
                if reply:
                    self.master.receive(reply, self.now_s)
                    continue
            due_s = self.master.deadline_s
            if due_s is None or due_s >= end_s:
                self.now_s = max(self.now_s, end_s)
                return
            self.now_s = max(self.now_s, due_s)

    def _answer(self, frame: bytes) -> bytes | None:
        assert intact(frame)
        unit, function = frame[0], frame[1]
        device = self.maps.get(unit)
        if device is None or device.silent:
            return None
        address, word = struct.unpack(">HH", frame[2:6])
        if function == 1:
            bits = device.read(1, address, word) or []
            return sealed(bytes((unit, 1, 1, sum(bit << i for i, bit in enumerate(bits)))))  # up to eight coils
        if function in (3, 4):
            registers = device.read(function, address, word)
            if registers is None:
                return sealed(bytes((unit, function | 0x80, 2)))
            return sealed(bytes((unit, function, 2 * word)) + struct.pack(f">{word}H", *registers))
        if function == 23:
            return self._read_and_write(device, frame)
        if function == 16:
            values = list(struct.unpack(f">{word}H", frame[7:-2]))
        else:
            values = [int(word == 0xFF00)] if function == 5 else [word]
        code = device.write(function, address, values)
        if code:
            return sealed(bytes((unit, function | 0x80, code)))
        return sealed(frame[:6])

    def _read_and_write(self, device: Any, frame: bytes) -> bytes:
        address, count, write_address, _ = struct.unpack(">4H", frame[2:10])
        code = device.write(23, write_address, list(struct.unpack(f">{frame[10] // 2}H", frame[11:-2])))
        registers = None if code else device.read(3, address, count)
        if registers is None:
            return sealed(bytes((frame[0], 23 | 0x80, code or 2)))
        return sealed(bytes((frame[0], 23, 2 * count)) + struct.pack(f">{count}H", *registers))


@pytest.fixture
def scripted_bus() -> type[ScriptedBus]:
    return ScriptedBus


@pytest.fixture
def register_table() -> type[Table]:
    return Table
