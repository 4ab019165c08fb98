"""Simulated power modules on CAN: what an Infypower, a Winline and a UUGreenPower answer to a frame, and how they misbehave. Pure.

Each model turns frames into orders for its `ModulePlant`, and the plant's state into answers. Frames are the 16 bytes of SocketCAN.
The bytes are written down here anew from docs/sources/hardware.md 1.4 and 1.5, so that driver and simulator do not share a mistake
in code. They do share the reading of that source.
"""

from __future__ import annotations

import random
import struct
from collections import deque
from dataclasses import dataclass, field

from hil.plant.module import ModulePlant

EXTENDED = 0x8000_0000
FRAME_BYTES = 16
COMM_LOSS_S = 10.0

CAN_FAULTS = {
    "silent": "the module answers nothing; it still obeys",
    "deaf": "the module neither hears nor answers",
    "rejects_writes": "each order is refused",
    "repeats_id": "a second module has the same address: each answer comes twice",
    "short_frames": "each answer lacks its last bytes",
    "absurd": "numbers that cannot be",
    "babble": "twenty random frames before each answer",
}


def frame_bytes(can_id: int, data: bytes) -> bytes:
    """The 16 bytes of a frame with a 29-bit identifier."""
    return struct.pack("=IB3x8s", can_id | EXTENDED, len(data), data)


def bus_off_frame() -> bytes:
    """What a controller reports when it leaves the bus."""
    return struct.pack("=IB3x8s", 0x2000_0040, 8, b"")


def id_and_data(frame: bytes) -> tuple[int, bytes]:
    """Identifier and data of 16 bytes."""
    word, length, data = struct.unpack("=IB3x8s", frame)
    return word & 0x1FFF_FFFF, data[: min(length, 8)]


@dataclass(slots=True)
class CanModuleModel:
    """What the three families have in common: faults, the clock of the last frame, and the plant. `receive` is the wire."""

    unit: int
    plant: ModulePlant
    faults: set[str] = field(default_factory=set)
    voltage_V: float = 0.0
    current_A: float = 0.0
    on: bool = False
    heard_at_s: float | None = None
    orders: deque[tuple[str, float]] = field(default_factory=lambda: deque(maxlen=1000))
    """The last orders it took, in their order: a name and a value."""
    taken: int = 0
    """How many orders it took."""
    _began: bool = False
    _random: random.Random = field(default_factory=lambda: random.Random(29))

    def receive(self, frame: bytes, now_s: float) -> list[bytes]:
        """The frames it sends for this one."""
        can_id, data = id_and_data(frame)
        if "deaf" in self.faults or not self.plant.answers:
            return []
        answer = self.answer(can_id, data)
        if answer is None:
            return []
        self.heard_at_s = now_s
        if "silent" in self.faults:
            return []
        if "short_frames" in self.faults:
            answer = answer[0], answer[1][:5]
        frames = [frame_bytes(*answer)] * (2 if "repeats_id" in self.faults else 1)
        if "babble" in self.faults:
            frames = self.noise(20) + frames
        return frames

    def noise(self, frames: int) -> list[bytes]:
        """Random frames, the same ones in each run."""
        return [
            frame_bytes(self._random.getrandbits(29), self._random.randbytes(self._random.randrange(9)))
            for _ in range(frames)
        ]

    def tick(self, now_s: float) -> None:
        """Keep the module's own watch over its master, and pass its settings on to the plant."""
        if self.comm_loss_s is not None and self.heard_at_s is not None and now_s - self.heard_at_s > self.comm_loss_s:
            self.on = False
        self.apply()

    @property
    def comm_loss_s(self) -> float | None:
        """How long it goes on without a frame; None: for ever."""
        return None

    def answer(self, can_id: int, data: bytes) -> tuple[int, bytes] | None:
        """Take a frame; None if it is for somebody else. Each family has its own."""
        raise AssertionError(f"{type(self).__name__} has no frames of its own")

    def apply(self) -> None:
        """Settings to the plant, as a rectifier. An alarm or a restart of the plant takes the output with it."""
        plant = self.plant
        if plant.alarm:
            self.on = False
        if self._began and not plant.remote:  # it restarted, and lost its settings
            self.on, self.voltage_V, self.current_A = False, 0.0, 0.0
        self._began = plant.remote = True
        plant.voltage_set_V, plant.source_current_A, plant.sink_current_A = self.voltage_V, self.current_A, 0.0
        plant.source_power_W = plant.sink_power_W = plant.nominal_W
        plant.set_output(self.on)

    def order(self, name: str, value: float) -> bool:
        """Take an order unless it is refused."""
        if "rejects_writes" in self.faults:
            return False
        self.orders.append((name, value))
        self.taken += 1
        if name == "output":
            self.on = bool(value)
        elif name == "voltage":
            self.voltage_V = value
        elif name == "current":
            self.current_A = value
        else:
            return self.order_setting(name, value)
        self.apply()
        return True

    def order_setting(self, name: str, value: float) -> bool:
        """Take an order of the family's own. True: taken."""
        return True


@dataclass(slots=True)
class InfypowerModel(CanModuleModel):
    """A BEG1K075G. The mode changes only with the output off; without a frame for 10 s it switches off."""

    inverter: bool = False
    starting: bool = False

    @property
    def comm_loss_s(self) -> float | None:
        return COMM_LOSS_S

    def answer(self, can_id: int, data: bytes) -> tuple[int, bytes] | None:
        command, destination, source = can_id >> 16 & 0x3F, can_id >> 8 & 0xFF, can_id & 0xFF
        if can_id >> 22 != 0x0A or destination not in (self.unit, 0x3F) or len(data) != 8:
            return None
        item, raw = data[:2].hex(), int.from_bytes(data[4:], signed=True)
        error, body = 0, data
        if command == 0x24:
            error = 7 if self.starting else self._write(item, raw)
        elif command == 0x23:
            value = self._read(item)
            error = 2 if value is None else 0
            body = data[:4] + (value or 0).to_bytes(4, signed=True)
        else:
            error = 2
        return error << 26 | 0x0A << 22 | command << 16 | source << 8 | self.unit, body

    def _write(self, item: str, raw: int) -> int:
        match item:
            case "1110" if raw in (0xA0, 0xA1):
                taken = self.order("output", raw == 0xA0)
            case "1001":
                taken = 0 <= raw <= self.plant.nominal_V * 1000 and self.order("voltage", raw / 1000)
            case "1002":
                taken = 0 <= raw <= self.plant.nominal_A * 1000 and self.order("current", raw / 1000)
            case "2110" if raw in (0xA0, 0xA1):
                taken = not self.on and self.order("inverter", raw == 0xA1)
            case "1122" if raw in (0xA0, 0xA1):
                taken = self.order("soft_start", raw == 0xA1)
            case "1110" | "2110" | "1122":
                taken = False
            case _:
                return 2
        return 0 if taken else 3

    def order_setting(self, name: str, value: float) -> bool:
        if name == "inverter":
            self.inverter = bool(value)
        return True

    def _read(self, item: str) -> int | None:
        plant = self.plant
        absurd = "absurd" in self.faults
        values = {
            "4101": 0x7FFF_FFFF if absurd else plant.shown_V * 1000,
            "4102": plant.shown_A * 1000,
            "1001": self.voltage_V * 1000,
            "1002": self.current_A * 1000,
            "1111": int(self.inverter),
            "1106": 25_000,
            "1130": plant.nominal_V * 1000,
            "1131": 150_000,
            "1132": plant.nominal_A * 1000,
            "1133": plant.nominal_W * 1000,
            "1110": (0 if plant.output_on else 1 << 8) | (1 << 9 if plant.alarm else 0),
        }
        return round(values[item]) if item in values else None

    def apply(self) -> None:
        super(InfypowerModel, self).apply()
        if self.inverter:
            self.plant.source_current_A, self.plant.sink_current_A = 0.0, self.current_A


@dataclass(slots=True)
class WinlineModel(CanModuleModel):
    """A Winline or Maxwell module: a rectifier whose current set-point outlives a session."""

    def answer(self, can_id: int, data: bytes) -> tuple[int, bytes] | None:
        destination, source = can_id >> 11 & 0xFF, can_id >> 3 & 0xFF
        if can_id >> 20 != 0x060 or destination not in (self.unit, 0xFF) or len(data) != 8:
            return None
        register, body = data[3], data[4:]
        error, kind = 0xF0, 0x41
        if data[0] == 0x03:
            taken = self._set(register, body)
            error, kind = (0xF0 if taken else 0xF2), (0x41 if register == 0x21 else 0x42)
        else:
            kind, body = self._get(register)
        return 0x060 << 20 | 1 << 19 | source << 11 | self.unit << 3, bytes((kind, error, 0, register)) + body

    def _set(self, register: int, body: bytes) -> bool:
        match register:
            case 0x1B:
                return self.order("current", int.from_bytes(body) / 1024)
            case 0x21:
                return self.order("voltage", struct.unpack(">f", body)[0])
            case 0x30:
                return self.order("output", int.from_bytes(body) == 0)
        return False

    def _get(self, register: int) -> tuple[int, bytes]:
        plant = self.plant
        if register == 0x40:
            bits = (0 if plant.output_on else 1 << 22) | (1 if plant.alarm else 0)
            return 0x42, bits.to_bytes(4)
        number = {
            0x01: float("nan") if "absurd" in self.faults else plant.shown_V,
            0x02: plant.shown_A,
            0x04: 25.0,
            0x11: plant.nominal_W,
            0x12: plant.nominal_A,
        }.get(register, 0.0)
        return 0x41, struct.pack(">f", number)


@dataclass(slots=True)
class UuGreenPowerModel(CanModuleModel):
    """A UR module: a rectifier with two ranges. A change of range under way, or with the output on, is not taken."""

    high_range: bool = True

    def answer(self, can_id: int, data: bytes) -> tuple[int, bytes] | None:
        if can_id >> 14 != 1 << 11 | 1 << 7 | self.unit or len(data) != 8:
            return None
        message, command, raw = data[0] & 0x0F, data[1], int.from_bytes(data[4:], signed=True)
        if message == 0:
            self._set(command, raw)
            return can_id, bytes((data[0] + 1, command, 0, 0)) + data[4:]
        if message != 2:
            return None
        return can_id, bytes((data[0] + 1, command, 0, 0)) + round(self._get(command)).to_bytes(4, signed=True)

    def _set(self, command: int, raw: int) -> None:
        match command:
            case 2:
                self.order("voltage", raw / 1000)
            case 3:
                self.order("current", raw / 1000)
            case 4:
                self.order("output", raw == 0)
            case 95 if not self.on:
                self.order("high_range", raw)

    def order_setting(self, name: str, value: float) -> bool:
        self.high_range = bool(value)
        return True

    def _get(self, command: int) -> float:
        plant = self.plant
        absurd = "absurd" in self.faults
        return {
            98: 0x7FFF_FFFF if absurd else plant.shown_V * 1000,
            47: plant.shown_A * 1000,
            8: (0 if plant.output_on else 1) | (2 if plant.alarm else 0),
            95: int(self.high_range),
            2: self.voltage_V * 1000,
            3: self.current_A * 1000,
            30: 25_000,
            104: plant.nominal_A * 1000,
        }.get(command, 0)


MODELS = {
    "infypower_beg1k075g": InfypowerModel,
    "winline": WinlineModel,
    "uugreenpower_ur1000": UuGreenPowerModel,
}
"""By the name of the driver in the configuration."""
