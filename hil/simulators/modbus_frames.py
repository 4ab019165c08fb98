"""Modbus RTU frames from the side of a device: check sum, and the answer of a device map to one request.

Written from docs/sources/hardware.md (functions 1 to 6, 15, 16, 22 is absent, 23), not from the controller's own master: both would
share a mistake.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from hil.simulators.registers.device_map import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, DeviceMap

SHORTEST = 4
"""Unit, function, check sum."""
REGISTERS_MAX, BITS_MAX = 125, 2000


def check_sum(body: bytes) -> bytes:
    """The two bytes at the end of a frame."""
    crc = 0xFFFF
    for byte in body:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return struct.pack("<H", crc)


def sealed(body: bytes) -> bytes:
    """The frame of this body."""
    return body + check_sum(body)


def answer(frame: bytes, device: DeviceMap) -> bytes | None:
    """What this device sends for a request to it; None for a damaged frame, and for a broadcast."""
    if len(frame) < SHORTEST or check_sum(frame[:-2]) != frame[-2:] or frame[0] != device.unit:
        return None
    unit, function, body = frame[0], frame[1], frame[2:-2]
    served = _FUNCTIONS.get(function)
    try:
        found: bytes | int = ILLEGAL_FUNCTION if served is None else served(device, function, body)
    except (struct.error, IndexError):
        found = ILLEGAL_VALUE
    if isinstance(found, int):
        return sealed(bytes((unit, function | 0x80, found)))
    return sealed(bytes((unit, function)) + found)


def _read_registers(device: DeviceMap, function: int, body: bytes) -> bytes | int:
    address, count = struct.unpack(">HH", body)
    if not 1 <= count <= REGISTERS_MAX:
        return ILLEGAL_VALUE
    if not _inside(device.inputs if function == 4 else device.holding, address, count):
        return ILLEGAL_ADDRESS
    values = device.read(function, address, count)
    if values is None:
        return ILLEGAL_ADDRESS
    return struct.pack(f">B{count}H", 2 * count, *values)


def _read_bits(device: DeviceMap, function: int, body: bytes) -> bytes | int:
    address, count = struct.unpack(">HH", body)
    if not 1 <= count <= BITS_MAX:
        return ILLEGAL_VALUE
    bits = device.read(1, address, count) if function == 1 and _inside(device.coils, address, count) else None
    if bits is None:
        return ILLEGAL_ADDRESS
    packed = sum(bool(bit) << n for n, bit in enumerate(bits)).to_bytes((count + 7) // 8, "little")
    return bytes((len(packed),)) + packed


def _write_one(device: DeviceMap, function: int, body: bytes) -> bytes | int:
    address, value = struct.unpack(">HH", body)
    if function == 5:
        if value not in (0, 0xFF00):
            return ILLEGAL_VALUE
        value = int(value != 0)
    return device.write(function, address, [value]) or body


def _write_registers(device: DeviceMap, function: int, body: bytes) -> bytes | int:
    address, count, length = struct.unpack(">HHB", body[:5])
    if length != 2 * count or len(body) != 5 + length:
        return ILLEGAL_VALUE
    return device.write(function, address, list(struct.unpack(f">{count}H", body[5:]))) or body[:4]


def _write_bits(device: DeviceMap, function: int, body: bytes) -> bytes | int:
    address, count, length = struct.unpack(">HHB", body[:5])
    if length != (count + 7) // 8 or len(body) != 5 + length:
        return ILLEGAL_VALUE
    packed = int.from_bytes(body[5:], "little")
    return device.write(function, address, [packed >> n & 1 for n in range(count)]) or body[:4]


def _write_then_read(device: DeviceMap, function: int, body: bytes) -> bytes | int:
    from_, wanted, address, count, length = struct.unpack(">HHHHB", body[:9])
    if length != 2 * count or len(body) != 9 + length:
        return ILLEGAL_VALUE
    refused = device.write(16, address, list(struct.unpack(f">{count}H", body[9:])))
    return refused or _read_registers(device, 3, struct.pack(">HH", from_, wanted))


def _inside(span: tuple[int, int], address: int, count: int) -> bool:
    return span[0] <= address and address + count <= span[0] + span[1]


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE = tuple(_crc_of(byte) for byte in range(256))

_FUNCTIONS: dict[int, Callable[[DeviceMap, int, bytes], bytes | int]] = {
    1: _read_bits,
    2: _read_bits,
    3: _read_registers,
    4: _read_registers,
    5: _write_one,
    6: _write_one,
    15: _write_bits,
    16: _write_registers,
    23: _write_then_read,
}
