"""What was queued before a stall of our own process is not written after it."""

from __future__ import annotations

import os
import select
import tty
from collections.abc import Iterator

import pytest

from chargepoint.ports import BusSpec
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.transaction import Failed, FailureKind, Outcome, Priority, Read, WriteRegister
from drivers.serial_bus import STALE_S, SerialBus

READ = Read(1, 3, 0, 1)


def test_everything_queued_fails_as_stale_and_what_is_on_the_wire_goes_on() -> None:
    master = RtuMaster("b", 115200)
    master.connected(0.0)
    heard: list[Outcome] = []
    master.submit(READ, heard.append, Priority.FAST)
    assert master.to_send(1.0)
    for priority in Priority:
        master.submit(WriteRegister(1, 0, 1), heard.append, priority)
    master.drop_queued(11.0)
    assert [outcome.kind for outcome in heard if isinstance(outcome, Failed)] == [FailureKind.STALE] * len(Priority)
    master.tick(11.0)
    assert isinstance(heard[-1], Failed) and heard[-1].kind is FailureKind.TIMEOUT
    assert master.to_send(20.0) == b""


def test_a_frame_that_was_taken_back_costs_nobody_a_quarantine() -> None:
    master = RtuMaster("b", 115200)
    master.connected(0.0)
    heard: list[Outcome] = []
    master.submit(READ, heard.append, Priority.FAST)
    assert master.to_send(1.0)
    master.take_back(1.0)
    assert [outcome.kind for outcome in heard if isinstance(outcome, Failed)] == [FailureKind.STALE]
    master.submit(READ, heard.append, Priority.FAST)
    assert master.to_send(1.01)
    assert master.health().timeouts == 0


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def fill(fd: int) -> None:
    """Write until the line stays full to the last byte; the kernel moves bytes on in the background."""
    refused = 0
    while refused < 5:
        try:
            os.write(fd, b"x" * 4096 if refused == 0 else b"x")
            refused = 0
        except BlockingIOError:
            refused += 1
            select.select([], [fd], [], 0.02)


@pytest.mark.parametrize(("age_s", "written"), [(STALE_S / 2, True), (STALE_S * 2, False)])
def test_a_stop_between_decision_and_write_is_noticed_before_the_write(
    port: tuple[int, str], age_s: float, written: bool
) -> None:
    now_s = 100.0
    bus = SerialBus(BusSpec("b", "serial", port[1], baud=115200), lambda: now_s)
    bus.pump(now_s)
    now_s += 1.0
    heard: list[Outcome] = []
    bus.master.submit(WriteRegister(1, 0, 1), heard.append, Priority.SETPOINT)
    bus.master.submit(READ, heard.append, Priority.FAST)
    decided_s = now_s
    now_s += age_s
    bus.pump(decided_s)
    try:
        data = os.read(port[0], 100)
    except BlockingIOError:
        data = b""
    assert bool(data) is written
    assert len(heard) == (0 if written else 2)
    bus.close()


def test_half_a_frame_the_line_does_not_take_is_not_sent_later(port: tuple[int, str]) -> None:
    master, name = port
    now_s = 100.0
    bus = SerialBus(BusSpec("b", "serial", name, baud=115200), lambda: now_s)
    bus.pump(now_s)
    assert bus._line is not None
    fd = bus._line.fd
    fill(fd)
    now_s += 1.0
    bus.master.submit(WriteRegister(1, 0, 0xABCD), lambda outcome: None, Priority.STOP)
    bus.pump(now_s)
    assert "takes no bytes" in bus.health().trouble
    left = b""
    while True:
        try:
            left += os.read(master, 65536)
        except OSError:
            break
    assert b"\xab\xcd" not in left
    bus.close()
