"""Lines of text from a serial line, through a pty, without waiting."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargepoint.ports import BusSpec
from drivers.line_bus import LineBus


class Wire:
    """A pty and the bus at its end."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.bus = LineBus(BusSpec("reader", "line", os.ttyname(self.slave), 9600, "8N1"))
        self.bus.pump(0.0)

    def say(self, data: bytes) -> list[bytes]:
        os.write(self.master, data)
        self.bus.pump(1.0)
        lines = list(self.bus.lines)
        self.bus.lines.clear()
        return lines


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.bus.close()
    os.close(wire.slave)
    os.close(wire.master)


def test_lines_in_pieces_and_with_any_ending(wire: Wire) -> None:
    assert wire.say(b"04A1") == []
    assert wire.say(b"B2C3\r\n\r\n  11223344 \0") == [b"04A1B2C3", b"11223344"]
    assert wire.bus.health().ok == 2


def test_overlong_lines_are_dropped(wire: Wire) -> None:
    assert wire.say(b"x" * 300) == []
    assert wire.say(b"\n04A1B2C3\n") == [b"04A1B2C3"]
    assert wire.bus.health().mismatches == 1


def test_only_the_newest_lines_are_kept(wire: Wire) -> None:
    lines = wire.say(b"".join(b"%d\n" % i for i in range(100)))
    assert len(lines) == 64
    assert lines[-1] == b"99"


def test_hung_up_and_missing(tmp_path: Path) -> None:
    wire = Wire()
    assert wire.bus.health().connected
    os.close(wire.slave)
    os.close(wire.master)
    wire.bus.pump(1.0)
    assert not wire.bus.health().connected
    assert wire.bus.deadline_s == 2.0
    assert wire.bus.health().trouble
    wire.bus.pump(1.5)
    wire.bus.pump(2.5)
    assert wire.bus.fileno() is None
    wire.bus.close()
