"""Our own answers of a simulated device, byte for byte against pymodbus's: other people's server at the same register map."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from hil.simulators.modbus_frames import answer, check_sum, sealed
from hil.simulators.registers.device_map import ILLEGAL_ADDRESS


class Map:
    """Registers 100 to 149 in both tables, coils 0 to 31; register 149 may not be written."""

    unit = 7
    coils, holding, inputs = (0, 32), (100, 50), (100, 50)
    silent = False

    def __init__(self) -> None:
        self.registers = dict.fromkeys(range(100, 150), 0)
        self.bits = [n % 3 == 0 for n in range(32)]

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        if function == 1:
            return [int(bit) for bit in self.bits[address : address + count]]
        return [self.registers[address + n] for n in range(count)]

    def write(self, function: int, address: int, values: list[int]) -> int:
        if function in (5, 15):
            for n, bit in enumerate(values):
                self.bits[address + n] = bool(bit)
            return 0
        if any(address + n not in self.registers or address + n == 149 for n in range(len(values))):
            return ILLEGAL_ADDRESS
        for n, word in enumerate(values):
            self.registers[address + n] = word
        return 0


def decoded(frame: bytes) -> ModbusPDU:
    """What pymodbus reads of a reply."""
    framer = FramerRTU(DecodePDU(is_server=False))
    used, _, _, body = framer.decode(frame)
    assert used == len(frame)
    pdu = framer.decoder.decode(body)
    assert pdu is not None
    return pdu


def ask(device: Map, function: int, body: bytes) -> bytes:
    reply = answer(sealed(bytes((7, function)) + body), device)
    assert reply is not None
    return reply


@given(st.binary(max_size=300))
def test_the_check_sum_is_pymodbus_own(body: bytes) -> None:
    assert check_sum(body) == struct.pack(">H", FramerRTU.compute_CRC(body))


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=49))
def test_registers_written_are_read_by_pymodbus(words: list[int]) -> None:
    device = Map()
    count = len(words)
    written = ask(device, 16, struct.pack(f">HHB{count}H", 100, count, 2 * count, *words))
    assert written[2:6] == struct.pack(">HH", 100, count)
    for function, kind in ((3, ReadHoldingRegistersResponse), (4, ReadInputRegistersResponse)):
        reply = decoded(ask(device, function, struct.pack(">HH", 100, count)))
        assert isinstance(reply, kind)
        assert reply.registers == words
    both = ask(device, 23, struct.pack(f">HHHHB{count}H", 100, count, 100, count, 2 * count, *words))
    assert decoded(both).registers == words


@given(st.integers(0, 31), st.data())
def test_coils_are_read_by_pymodbus(first: int, data: st.DataObject) -> None:
    device = Map()
    count = data.draw(st.integers(1, 32 - first))
    reply = decoded(ask(device, 1, struct.pack(">HH", first, count)))
    assert isinstance(reply, ReadCoilsResponse)
    assert reply.bits[:count] == device.bits[first : first + count]


def test_one_register_and_one_coil_are_echoed() -> None:
    device = Map()
    assert ask(device, 6, struct.pack(">HH", 101, 4711))[2:-2] == struct.pack(">HH", 101, 4711)
    assert ask(device, 5, struct.pack(">HH", 1, 0xFF00))[2:-2] == struct.pack(">HH", 1, 0xFF00)
    assert device.registers[101] == 4711
    assert device.bits[1]
    assert ask(device, 15, struct.pack(">HHBB", 0, 4, 1, 0b0110))[2:-2] == struct.pack(">HH", 0, 4)
    assert device.bits[:4] == [False, True, True, False]


@pytest.mark.parametrize(
    ("function", "body", "code"),
    [
        (3, struct.pack(">HH", 99, 1), 2),
        (3, struct.pack(">HH", 149, 2), 2),
        (3, struct.pack(">HH", 100, 0), 3),
        (3, struct.pack(">HH", 100, 126), 3),
        (3, b"\x00", 3),
        (6, struct.pack(">HH", 149, 1), 2),
        (5, struct.pack(">HH", 0, 1), 3),
        (16, struct.pack(">HHBH", 100, 1, 3, 1), 3),
        (23, struct.pack(">HHHHBH", 100, 1, 149, 1, 2, 1), 2),
        (43, b"\x0e\x01\x00", 1),
    ],
)
def test_what_cannot_be_answered_is_an_exception_that_pymodbus_reads(function: int, body: bytes, code: int) -> None:
    reply = ask(Map(), function, body)
    assert reply[:3] == bytes((7, function | 0x80, code))
    assert decoded(reply).isError()


@given(st.binary(max_size=40))
def test_what_is_no_request_for_us_has_no_answer(data: bytes) -> None:
    assert answer(data, Map()) is None or check_sum(data[:-2]) == data[-2:]


def test_a_damaged_frame_and_another_unit_have_no_answer() -> None:
    frame = sealed(bytes((7, 3)) + struct.pack(">HH", 100, 1))
    assert answer(frame[:-1] + bytes((frame[-1] ^ 1,)), Map()) is None
    assert answer(sealed(bytes((8, 3)) + struct.pack(">HH", 100, 1)), Map()) is None
    assert answer(sealed(bytes((0, 6)) + struct.pack(">HH", 100, 1)), Map()) is None
