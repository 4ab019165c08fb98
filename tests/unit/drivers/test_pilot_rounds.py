"""Rounds of a board that can more than the least: short reads, function 23, quick stops; and how often which round comes."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from chargepoint.model.demand import PilotCommand
from chargepoint.ports import IoCommand
from drivers.modbus.frame import sealed
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.transaction import (
    DeviceTiming,
    Outcome,
    Priority,
    Read,
    ReadDone,
    ReadWriteRegisters,
    WriteRegister,
)
from drivers.pilot.generic_io import (
    CALM_CYCLE_S,
    CYCLE_S,
    POWERED_CYCLE_S,
    QUICK_STOP_S,
    UNPOLLED_S,
    WHOLE_EVERY,
    GenericIoBoard,
)
from hil.plant.board import Board
from hil.simulators.registers.generic_io import GenericIo

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus

READY = IoCommand(PilotCommand.PWM, 5.0, lock=True)
CLOSED = IoCommand(PilotCommand.PWM, 5.0, contactor=True, lock=True)


class Rig:
    """A board that announces everything, and its driver."""

    def __init__(self, scripted_bus: type[ScriptedBus]) -> None:
        self.board = Board()
        self.bus = scripted_bus([GenericIo(1, self.board)], self.step)
        self.driver = GenericIoBoard("io", 1, self.bus.master)

    def step(self, dt_s: float) -> None:
        for _ in range(5):
            self.board.step("C", True, True, dt_s / 5)

    def run(self, seconds: float) -> list[tuple[float, bytes]]:
        sent = len(self.bus.sent)
        self.bus.run([self.driver], seconds)
        return self.bus.sent[sent:]

    def requests(self) -> list[int]:
        """The request bits of each order, in the order they were sent."""
        at = {16: 13, 23: 17}
        return [struct.unpack_from(">H", frame, at[frame[1]])[0] for _, frame in self.bus.sent if frame[1] in at]


@pytest.fixture
def rig(scripted_bus: type[ScriptedBus]) -> Rig:
    return Rig(scripted_bus)


@pytest.mark.parametrize(
    ("command", "cycle_s"), [(IoCommand(), CALM_CYCLE_S), (READY, CYCLE_S), (CLOSED, POWERED_CYCLE_S)]
)
def test_a_board_is_asked_the_more_often_the_more_is_on(rig: Rig, command: IoCommand, cycle_s: float) -> None:
    rig.driver.order(command)
    rig.run(1.0)
    sent = rig.run(2.0)
    assert {frame[1] for _, frame in sent} == {23}
    assert len(sent) == pytest.approx(2.0 / cycle_s, rel=0.1)
    assert rig.board.armed and not rig.board.latched


def test_most_rounds_are_short_and_a_whole_one_comes_regularly(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(0.5)
    counts = [struct.unpack_from(">H", frame, 4)[0] for _, frame in rig.run(1.0)]
    assert set(counts) == {12, 24}
    assert counts.count(24) == pytest.approx(len(counts) / WHOLE_EVERY, abs=2)


def test_a_short_round_shows_inputs_and_keeps_temperatures(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(0.5)
    rig.board.temperature_degC = 61.0
    rig.run(0.3)
    before = rig.driver.state
    assert before is not None and before.value.temperatures_degC[0] == 61.0
    rig.board.inputs.door_closed = False
    rig.run(0.03)
    after = rig.driver.state
    assert after is not None and after.value.open_inputs
    assert after.value.temperatures_degC == before.value.temperatures_degC


def test_a_state_that_did_not_change_keeps_its_objects_and_gets_younger(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(1.0)
    first, port = rig.driver.state, rig.driver.ports.contactors
    assert first is not None and port is not None and port.state is not None
    part = port.state.value
    rig.run(0.1)
    second = rig.driver.state
    assert second is not None
    assert second.value is first.value and port.state.value is part
    assert second.taken_at_s > first.taken_at_s


def test_an_order_for_less_never_waits_behind_a_round_that_is_due_later_nor_is_it_overtaken_by_an_older_one(
    rig: Rig,
) -> None:
    for pause_s in (0.0, 0.003, 0.007, 0.011, 0.017):
        rig.driver.order(CLOSED)
        rig.run(0.5)
        assert rig.board.positive.closed
        rig.run(pause_s)
        sent = len(rig.requests())
        rig.driver.order(READY)
        asked_s = rig.bus.now_s
        first_s = rig.run(0.05)[0][0]
        assert first_s - asked_s <= 0.01
        assert not any(bits & 1 for bits in rig.requests()[sent:])


def test_a_driver_that_is_not_polled_asks_nothing_more_and_the_board_opens(rig: Rig) -> None:
    """A driver that cannot take an order is not polled (`chargepoint.power.device_guard`): it must not go on kicking."""
    rig.driver.order(CLOSED)
    rig.run(0.5)
    began_s, sent = rig.bus.now_s, len(rig.bus.sent)
    rig.bus.run([], 1.0)
    assert all(at_s - began_s <= UNPOLLED_S + 0.02 for at_s, _ in rig.bus.sent[sent:])
    assert not rig.board.positive.closed


def test_a_board_that_refuses_what_it_announces_is_asked_in_the_plain_way(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus)
    rig.driver.order(CLOSED)
    rig.run(0.5)
    rig.board.reads_and_writes = rig.board.reads_parts = False
    announces = GenericIo._caps
    GenericIo._caps = lambda self: 0b111111  # type: ignore[method-assign]
    try:
        sent = rig.run(1.0)
    finally:
        GenericIo._caps = announces  # type: ignore[method-assign]
    assert {frame[1] for _, frame in sent[-20:]} == {4, 16}
    assert rig.board.positive.closed and not rig.board.latched


def test_a_board_that_restarted_is_asked_for_everything_anew(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(3.0)
    rig.board.uptime_s, rig.board.sequence, rig.board.watchdog_timeout_s = 0.0, 0, 1.0
    rig.run(0.3)
    assert rig.board.watchdog_timeout_s == 0.5
    assert rig.driver.state is not None


# -- the master's part ------------------------------------------------------------------------------------------------------


def test_a_request_for_later_is_neither_sent_nor_waited_for_before() -> None:
    master = RtuMaster("b", 115200)
    master.connected(0.0)
    heard: list[Outcome] = []
    master.submit(Read(1, 3, 0, 1), heard.append, Priority.FAST, not_before_s=2.0)
    assert master.deadline_s == 2.0
    assert master.to_send(1.99) == b""
    assert master.to_send(2.0)


def test_of_two_requests_with_one_key_the_earlier_time_stays() -> None:
    """Else an order to open would wait for the time of the round that took its place."""
    master = RtuMaster("b", 115200)
    master.connected(0.0)
    master.submit(WriteRegister(1, 0, 0), lambda outcome: None, Priority.STOP, key="order")
    later = ReadWriteRegisters(1, 3, 12, 100, (1, 3, 500, 0, 0xFFFF))
    master.submit(later, lambda outcome: None, Priority.FAST, key="order", not_before_s=5.0)
    assert master.to_send(1.0)[1] == 23


def test_a_device_with_a_gap_of_its_own_is_waited_for_and_not_asked_in_circles() -> None:
    """The bus was asked again and again for a request that could go sooner and is less urgent."""
    master = RtuMaster("b", 115200)
    master.connected(0.0)
    master.configure(2, DeviceTiming(gap_s=0.5))
    master.submit(Read(2, 3, 0, 1), lambda outcome: None, Priority.FAST)
    master.submit(Read(1, 3, 0, 1), lambda outcome: None, Priority.SLOW)
    assert master.to_send(0.1) == b""
    assert master.deadline_s is not None and master.deadline_s > 0.5


@pytest.mark.parametrize("quick", [False, True])
def test_only_a_board_that_announces_it_gets_a_stop_right_after_its_answer(quick: bool) -> None:
    master = RtuMaster("b", 115200)
    master.connected(0.0)
    master.allow_quick_stop(1, QUICK_STOP_S if quick else None)
    heard: list[Outcome] = []
    master.submit(ReadWriteRegisters(1, 3, 1, 100, (0,)), heard.append, Priority.FAST)
    assert master.to_send(1.0)
    answered_s = 1.01
    master.receive(sealed(bytes((1, 23, 2, 0, 7))), answered_s)
    assert [outcome.registers for outcome in heard if isinstance(outcome, ReadDone)] == [(7,)]
    master.submit(WriteRegister(1, 0, 0), heard.append, Priority.STOP)
    assert bool(master.to_send(answered_s + QUICK_STOP_S + 1e-6)) is quick
    master.tick(answered_s + 0.002)
    assert quick or master.to_send(answered_s + 0.002)


def test_another_device_never_gets_a_quick_stop(rig: Rig) -> None:
    master = rig.bus.master
    master.connected(0.0)
    master.allow_quick_stop(2, QUICK_STOP_S)
    rig.run(0.1)
    frames = rig.bus.sent
    assert all(b - a >= 0.00175 for (a, _), (b, _) in pairwise(frames))
