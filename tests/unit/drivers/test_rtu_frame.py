"""Frames: golden bytes, and finding a reply in noise."""

from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from drivers.modbus.frame import (
    Acknowledged,
    ExceptionReply,
    Foreign,
    Registers,
    crc16,
    encode,
    find_reply,
    reply_length,
    sealed,
)
from drivers.modbus.transaction import Read, WriteCoil, WriteRegister, WriteRegisters


def test_golden_request_of_the_modbus_over_serial_line_specification() -> None:
    assert encode(Read(0x11, 3, 0x6B, 3)).hex() == "1103006b00037687"  # the well-known example frame
    assert encode(WriteRegister(0x11, 1, 3)).hex() == "1106000100039a9b"
    assert encode(WriteCoil(0x11, 0xAC, True)).hex() == "110500acff004e8b"
    assert encode(WriteRegisters(0x11, 1, (0x000A, 0x0102))).hex() == "11100001000204000a0102c6f0"


@given(st.binary(max_size=260))
def test_crc_agrees_with_pymodbus(data: bytes) -> None:
    theirs = FramerRTU.compute_CRC(data)
    assert crc16(data) == (theirs >> 8 | (theirs & 0xFF) << 8)


def test_a_read_is_answered_by_its_registers() -> None:
    reply = sealed(bytes.fromhex("110306022b00000064"))
    assert find_reply(reply, Read(0x11, 3, 0x6B, 3), False) == Registers((0x22B, 0, 0x64))


def test_bits_come_back_one_by_one() -> None:
    reply = sealed(bytes((1, 1, 2, 0b0000_0101, 0b0000_0010)))
    assert find_reply(reply, Read(1, 1, 0, 10), False) == Registers((1, 0, 1, 0, 0, 0, 0, 0, 0, 1))


def test_exception_reply() -> None:
    assert find_reply(sealed(bytes((1, 0x83, 2))), Read(1, 3, 0, 1), False) == ExceptionReply(2)


def test_echo_of_writes_is_checked() -> None:
    request = WriteRegister(1, 500, 7)
    assert find_reply(encode(request), request, False) == Acknowledged()
    assert isinstance(find_reply(encode(WriteRegister(1, 500, 8)), request, False), Foreign)
    assert isinstance(find_reply(encode(WriteRegister(1, 501, 7)), request, False), Foreign)
    several = WriteRegisters(1, 100, (1, 2, 3))
    assert find_reply(sealed(bytes((1, 16, 0, 100, 0, 3))), several, False) == Acknowledged()
    assert isinstance(find_reply(sealed(bytes((1, 16, 0, 100, 0, 2))), several, False), Foreign)


def test_foreign_unit_function_and_length() -> None:
    request = Read(1, 3, 0, 2)
    for frame in (bytes((2, 3, 4, 0, 0, 0, 0)), bytes((1, 4, 4, 0, 0, 0, 0)), bytes((1, 3, 2, 0, 0))):
        assert isinstance(find_reply(sealed(frame), request, False), Foreign)


def test_a_beginning_is_waited_for_but_not_for_ever() -> None:
    request = Read(1, 3, 0, 2)
    reply = sealed(bytes((1, 3, 4, 0, 1, 0, 2)))
    noise = bytes((1, 3, 4))
    assert find_reply(noise + reply[:-1], request, False) is None
    assert find_reply(noise + reply, request, True) == Registers((1, 2))


@given(
    noise=st.binary(max_size=40).filter(lambda n: True),
    values=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=20),
)
def test_noise_before_a_reply_never_changes_its_value(noise: bytes, values: list[int]) -> None:
    request = Read(7, 4, 100, len(values))
    body = bytes((7, 4, 2 * len(values))) + b"".join(v.to_bytes(2, "big") for v in values)
    found = find_reply(noise + sealed(body), request, True)
    # an intact frame inside the noise (one in 65536 per place) may come first, but never as another value
    assert found == Registers(tuple(values)) or isinstance(found, Foreign | ExceptionReply)


@given(st.binary(min_size=1, max_size=64), st.integers(0, 63), st.integers(1, 255))
def test_a_damaged_reply_is_never_taken(payload: bytes, place: int, flip: int) -> None:
    payload = payload[: len(payload) // 2 * 2] or b"\0\0"
    request = Read(7, 3, 0, len(payload) // 2)
    frame = bytearray(sealed(bytes((7, 3, len(payload))) + payload))
    frame[place % len(frame)] ^= flip
    assert not isinstance(find_reply(bytes(frame), request, True), Registers)
    assert reply_length(request) == len(frame)
