"""Modbus RTU frames: CRC, requests to bytes, and finding the reply in whatever came back.

Source: Modbus over Serial Line V1.02 and Application Protocol V1.1b3 as commonly implemented; guards: docs/sources/hardware.md 6.3.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from functools import lru_cache

from drivers.modbus.transaction import Read, ReadWriteRegisters, Request, WriteCoil, WriteRegister, WriteRegisters

MAX_FRAME = 256

BITS = {"8N1": 10, "8E1": 11, "8O1": 11, "8N2": 11}
"""On the wire for each byte."""


def _steps(bits: int) -> array[int]:
    """The remainder of each number of so many bits: one step of the CRC takes as many at once."""
    table = array("H")
    for crc in range(1 << bits):
        for _ in range(bits):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return table


_BY_BYTE = _steps(8)
_BY_WORD = array(
    "H", (_BY_BYTE[word >> 8 ^ _BY_BYTE[word & 0xFF] & 0xFF] ^ _BY_BYTE[word & 0xFF] >> 8 for word in range(1 << 16))
)
"""Two bytes in one step: a reply of 53 bytes takes 27 steps. 128 kB."""


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS; sent low byte first."""
    crc, by_word = 0xFFFF, _BY_WORD
    words = len(data) // 2
    for word in struct.unpack_from(f"<{words}H", data):
        crc = by_word[crc ^ word]
    if len(data) & 1:
        crc = (crc >> 8) ^ _BY_BYTE[(crc ^ data[-1]) & 0xFF]
    return crc


def sealed(body: bytes) -> bytes:
    """A body with its CRC."""
    return body + struct.pack("<H", crc16(body))


def intact(frame: bytes) -> bool:
    """At least unit, function and CRC, and the CRC is right."""
    return len(frame) >= 4 and crc16(frame[:-2]) == frame[-2] | frame[-1] << 8


def function_of(request: Request) -> int:
    """The request's function code."""
    match request:
        case Read():
            return request.function
        case WriteCoil():
            return 5
        case WriteRegister():
            return 6
        case WriteRegisters():
            return 16
        case ReadWriteRegisters():
            return 23


def encode(request: Request) -> bytes:
    """The request as a frame of a serial line."""
    return sealed(body_of(request))


def body_of(request: Request) -> bytes:
    """Unit, function and data: the same on a serial line and in TCP."""
    match request:
        case Read():
            body = struct.pack(">BBHH", request.unit, request.function, request.address, request.count)
        case WriteCoil():
            body = struct.pack(">BBHH", request.unit, 5, request.address, 0xFF00 if request.on else 0)
        case WriteRegister():
            body = struct.pack(">BBHH", request.unit, 6, request.address, request.value)
        case WriteRegisters():
            count = len(request.values)
            body = struct.pack(f">BBHHB{count}H", request.unit, 16, request.address, count, 2 * count, *request.values)
        case ReadWriteRegisters():
            count = len(request.values)
            head = struct.pack(
                ">BBHHHHB", request.unit, 23, request.address, request.count, request.write_address, count, 2 * count
            )
            body = head + struct.pack(f">{count}H", *request.values)
    return body


def reply_length(request: Request) -> int:
    """Bytes of the good reply."""
    if isinstance(request, Read | ReadWriteRegisters):
        return 5 + _payload(request)
    return 8


@dataclass(frozen=True, slots=True)
class FramedExchange:
    """One request on a serial line: its frame, and what its good reply looks like."""

    request: Request
    frame: bytes
    function: int
    reply_bytes: int

    def answered_by(self, data: bytes) -> bool:
        """The data is one intact frame with the head and the length of the good reply, and nothing else."""
        return (
            len(data) == self.reply_bytes and data[0] == self.request.unit and data[1] == self.function and intact(data)
        )


def exchange_of(request: Request) -> FramedExchange:
    """The exchange that a request begins. Reads are the same few again and again: each is encoded once."""
    if isinstance(request, Read):
        return _read_exchange(request)
    return FramedExchange(request, encode(request), function_of(request), reply_length(request))


@lru_cache(maxsize=512)
def _read_exchange(request: Read) -> FramedExchange:
    return FramedExchange(request, encode(request), request.function, reply_length(request))


def _payload(request: Read | ReadWriteRegisters) -> int:
    if isinstance(request, Read) and request.function <= 2:
        return (request.count + 7) // 8
    return 2 * request.count


@dataclass(frozen=True, slots=True)
class Registers:
    """A read's answer."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write's answer, echo verified."""


@dataclass(frozen=True, slots=True)
class ExceptionReply:
    """The device refused, with its code."""

    code: int


@dataclass(frozen=True, slots=True)
class Foreign:
    """A whole, intact frame that is no answer to this request."""

    detail: str


Reply = Registers | Acknowledged | ExceptionReply | Foreign


@dataclass(frozen=True, slots=True)
class Found:
    """An intact frame in a buffer, and the index behind its last byte."""

    frame: bytes
    end: int
    reply: Reply


def next_frame(buffer: bytes) -> Found | None:
    """The first intact frame that looks like a reply, whoever it is for. None: there is none."""
    for start in range(len(buffer) - 3):
        length = _length_at(buffer, start)
        if length is not None and start + length <= len(buffer) and intact(buffer[start : start + length]):
            return Found(buffer[start : start + length], start + length, Foreign("nobody waits for it"))
    return None


def find_reply(buffer: bytes, request: Request, final: bool) -> Reply | None:
    """What the first intact frame in the buffer means for the request; None while there is none (`find_frame`)."""
    found = find_frame(buffer, request, final)
    return None if found is None else found.reply


def find_frame(buffer: bytes, request: Request, final: bool) -> Found | None:
    """The first intact frame in the buffer, judged against the request; None while there is none.

    Noise before the frame is skipped. A beginning that fits the request but is not complete is waited for, unless
    `final` (nothing more will come). Only a frame with a right CRC is ever judged.
    """
    unit, function = request.unit, function_of(request)
    if len(buffer) == reply_length(request) and buffer[0] == unit and buffer[1] == function and intact(buffer):
        return Found(buffer, len(buffer), judge(buffer[:-2], request))  # what comes nearly always
    for start in range(len(buffer) - 1):
        head = buffer[start + 1]
        length = _length_at(buffer, start)
        if length is None:
            continue
        if start + length > len(buffer):
            if not final and buffer[start] == unit and head & 0x7F == function and length <= MAX_FRAME:
                return None
            continue
        frame = buffer[start : start + length]
        if intact(frame):
            return Found(frame, start + length, judge(frame[:-2], request))
    return None


def _length_at(buffer: bytes, start: int) -> int | None:
    function = buffer[start + 1]
    if function & 0x80:
        return 5 if 0x81 <= function <= 0x97 else None
    if function in (1, 2, 3, 4, 23):
        return 5 + buffer[start + 2] if start + 2 < len(buffer) else 6
    if function in (5, 6, 15, 16):
        return 8
    return None


def judge(frame: bytes, request: Request) -> Reply:
    """What a whole body (unit, function and data, without checksum) means for the request."""
    unit, function = request.unit, function_of(request)
    if frame[0] != unit:
        return Foreign(f"unit {frame[0]} answered, asked {unit}")
    if frame[1] == function | 0x80:
        return ExceptionReply(frame[2])
    if frame[1] != function:
        return Foreign(f"function {frame[1]} answered, asked {function}")
    match request:
        case Read() | ReadWriteRegisters():
            if frame[2] != _payload(request):
                return Foreign(f"{frame[2]} bytes answered, asked {_payload(request)}")
            return Registers(_values(frame[3:], request))
        case WriteCoil():
            expected = (request.address, 0xFF00 if request.on else 0)
        case WriteRegister():
            expected = (request.address, request.value)
        case WriteRegisters():
            expected = (request.address, len(request.values))
    echoed: tuple[int, int] = struct.unpack(">HH", frame[2:6])
    if echoed != expected:
        return Foreign(f"echo {echoed[0]}={echoed[1]}, wrote {expected[0]}={expected[1]}")
    return Acknowledged()


def _values(payload: bytes, request: Read | ReadWriteRegisters) -> tuple[int, ...]:
    if isinstance(request, Read) and request.function <= 2:
        return tuple(payload[i // 8] >> (i % 8) & 1 for i in range(request.count))
    return struct.unpack(f">{request.count}H", payload)
