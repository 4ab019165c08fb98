"""docs/pilot-board.md says what driver and simulated board do: test vectors, bits, times."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot, Lock
from chargepoint.ports import IoCommand
from drivers.modbus.frame import Registers, find_reply, intact, reply_length
from drivers.modbus.frame import encode as frame
from drivers.modbus.transaction import Read, ReadWriteRegisters, Request, WriteRegisters
from drivers.pilot import generic_io
from drivers.pilot.generic_io import decode, encode
from hil.plant.board import Board
from hil.plant.pilot import Generator
from hil.simulators.registers.generic_io import GenericIo

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "pilot-board.md").read_text()
CLOSED = IoCommand(PilotCommand.PWM, 5.0, contactor=True, lock=True)


def vectors() -> list[tuple[bytes, bytes]]:
    found = []
    for block in re.findall(r"```\n> (.*?)\n< (.*?)```", PAGE, re.DOTALL):
        asked, answered = (bytes.fromhex("".join(part.split())) for part in block)
        found.append((asked, answered))
    return found


READ, ORDER, BOTH = (
    Read(1, 4, 0, 24),
    WriteRegisters(1, 100, encode(CLOSED, 0x1234)),
    ReadWriteRegisters(1, 3, 12, 100, encode(IoCommand(PilotCommand.PWM, 5.0, lock=True), 0x1234)),
)


@pytest.mark.parametrize(("number", "request_"), [(0, READ), (1, ORDER), (2, BOTH)])
def test_the_vectors_are_what_driver_and_master_send_and_take(number: int, request_: Request) -> None:
    asked, answered = vectors()[number]
    assert frame(request_) == asked
    assert intact(answered) and len(answered) == reply_length(request_)
    assert find_reply(answered, request_, final=True) is not None


def test_the_answer_of_the_page_is_read_as_the_page_says() -> None:
    reply = find_reply(vectors()[0][1], READ, final=True)
    assert isinstance(reply, Registers)
    state = decode(reply.values)
    assert (state.pilot, state.lock) == (ControlPilot.C, Lock.LOCKED)
    assert (state.pilot_high_V, state.pilot_low_V, state.duty_percent, state.proximity_ohm) == (6.0, -12.0, 5.0, 1500.0)
    assert state.contactor_commanded and state.contactor_positive_closed and state.contactor_negative_closed
    assert state.temperatures_degC[:2] == (31.2, 30.9)
    assert not state.latched and not state.open_inputs


def test_the_times_of_the_page_are_those_of_the_driver() -> None:
    for times in (
        f"| contactor | {generic_io.POWERED_CYCLE_S * 1000:.0f} ms |",
        f"| a duty cycle on the pilot, or discharge | {generic_io.CYCLE_S * 1000:.0f} ms |",
        f"| nothing | {generic_io.CALM_CYCLE_S * 1000:.0f} ms |",
    ):
        assert times in PAGE
    rounds = {"plain": (READ, ORDER), "joined": (BOTH,)}
    took_ms = {
        name: sum((len(frame(one)) + reply_length(one)) * 11 / 115.2 + 1.75 + 0.5 for one in requests)
        for name, requests in rounds.items()
    }
    assert f"| {took_ms['plain']:.1f} ms | {took_ms['joined']:.1f} ms |" in PAGE


def test_an_old_order_switches_off_and_nothing_on() -> None:
    board = Board(sequence=5000)
    board.write(4800, int(Generator.PWM), 500, 9, 0xFFFF ^ 9)
    assert (board.request, board.generator, board.armed) == (0, Generator.F, False)
    board.write(5000, int(Generator.PWM), 500, 9, 0xFFFF ^ 9)
    assert (board.request, board.generator) == (9, Generator.PWM)
    board.write(4800, int(Generator.F), 0, 8, 0xFFFF ^ 8)
    assert (board.request, board.generator) == (8, Generator.F)


def test_holding_registers_show_the_input_registers() -> None:
    device = GenericIo(1, Board(sequence=7))
    assert device.read(3, 0, 24) == device.read(4, 0, 24)
    assert device.read(3, 3, 12) == device.read(4, 3, 12)
    plain = GenericIo(1, Board(reads_parts=False, reads_and_writes=False))
    assert plain.read(4, 3, 12) is None
    assert plain.write(23, 100, [0, 0, 0, 0, 0xFFFF]) != 0
