"""What a simulated Modbus device is: spans of addresses, a read and a write, and whether it answers at all."""

from __future__ import annotations

import struct
from typing import Protocol


class DeviceMap(Protocol):
    """`coils`, `holding`, `inputs` are (first address, count) of what exists; (0, 1) where there is nothing."""

    unit: int
    coils: tuple[int, int]
    holding: tuple[int, int]
    inputs: tuple[int, int]

    @property
    def silent(self) -> bool:
        """The device does not answer."""

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """Registers (coils: 0 or 1); None: no such address."""

    def write(self, function: int, address: int, values: list[int]) -> int:
        """0, or the Modbus exception code of the refusal."""


ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, BUSY = 1, 2, 3, 4, 6


def words(format: str, *values: float | int | bytes) -> list[int]:
    """Values packed big-endian, as registers."""
    packed = struct.pack(">" + format, *values)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def signed_word(value: float) -> int:
    """An i16 as a register, saturated."""
    return int(max(-32767, min(32767, round(value)))) & 0xFFFF


def text(value: str, registers: int) -> list[int]:
    """A string padded with zeros."""
    return words(f"{2 * registers}s", value.encode("ascii"))
