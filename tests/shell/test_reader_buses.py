"""Readers on their buses: a PN532 on a pty, and a keyboard whose events come through a FIFO (this machine has no input device)."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
import time
from pathlib import Path

import pytest

from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec, DeviceSpec, TokenReader
from drivers.byte_bus import ByteBus
from drivers.catalog import build_device, open_bus
from drivers.keyboard_bus import LONGEST, KeyboardBus, TypedLines
from drivers.token.line import LineReader
from drivers.token.pn532 import Pn532Reader
from hil.simulators.pn532 import Pn532Wire

KEYS = {c: 2 + i for i, c in enumerate("1234567890")} | {c: 16 + i for i, c in enumerate("QWERTYUIOP")}
KEYS |= {c: 30 + i for i, c in enumerate("ASDFGHJKL")} | {c: 44 + i for i, c in enumerate("ZXCVBNM")}
ENTER = 28


def event(kind: int, code: int, value: int) -> bytes:
    return struct.pack("@llHHi", 0, 0, kind, code, value)


def typed(text: str, end: int = ENTER) -> bytes:
    keys = [KEYS[c] for c in text] + [end]
    return b"".join(event(1, key, 1) + event(0, 0, 0) + event(1, key, 0) + event(0, 0, 0) for key in keys)


def reader_spec(driver: str, **params: float | int | str | bool) -> DeviceSpec:
    return DeviceSpec("r1", "token_reader", driver, "b", 1, None, params)


async def pump(bus: ByteBus | KeyboardBus, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        bus.pump(time.monotonic())
        await asyncio.sleep(0.005)


async def test_a_card_on_a_pn532(tmp_path: Path) -> None:
    wire = Pn532Wire("r1", tmp_path / "reader")
    wire.start()
    bus = open_bus(BusSpec("b", "bytes", str(wire.port), 115200, "8N1"))
    assert isinstance(bus, ByteBus)
    reader = build_device(reader_spec("pn532"), bus)
    assert isinstance(reader, Pn532Reader)
    port: TokenReader = reader
    await pump(bus, 0.3)
    wire.present("04A2B3C4D5E6F7")
    found: list[str] = []
    end_s = time.monotonic() + 10.0
    while not found and time.monotonic() < end_s:
        await pump(bus, 0.05)
        found += port.tokens()
    assert found == ["04A2B3C4D5E6F7"]
    assert bus.health().connected and bus.health().ok >= 3
    wire.stop()
    await pump(bus, 0.1)
    assert not bus.health().connected
    bus.close()


def test_a_bus_of_bytes_has_one_device() -> None:
    bus = open_bus(BusSpec("b", "bytes", "/nowhere"))
    build_device(reader_spec("pn532"), bus)
    with pytest.raises(UnusableDevice) as refused:
        build_device(reader_spec("pn532"), bus)
    assert [mistake.problem for mistake in refused.value.mistakes] == ["= 'b': has a device already"]


def test_a_reader_that_types(tmp_path: Path) -> None:
    path = tmp_path / "event0"
    os.mkfifo(path)
    grabbed: list[int] = []
    bus = KeyboardBus(BusSpec("b", "keyboard", str(path)), grabbed.append)
    reader = build_device(reader_spec("line"), bus)
    assert isinstance(reader, LineReader)
    keeper = os.open(path, os.O_RDWR)
    bus.pump(1.0)
    assert grabbed == [bus.fileno()]
    data = typed("04A2B3C4")
    os.write(keeper, data[:50])
    bus.pump(1.1)
    os.write(keeper, data[50:])
    for number in range(10):
        bus.pump(1.2 + number)
    assert list(reader.tokens()) == ["04A2B3C4"]
    bus.close()
    os.close(keeper)


def test_a_path_that_is_no_input_device_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    bus = KeyboardBus(BusSpec("b", "keyboard", str(tmp_path / "file")))
    bus.pump(1.0)
    assert "this is no input device" in bus.health().trouble and bus.fileno() is None
    bus.pump(1.5)
    assert bus.deadline_s == 2.0


def test_a_reader_somebody_else_has_taken(tmp_path: Path) -> None:
    (tmp_path / "event0").write_bytes(b"")

    def busy(fd: int) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    bus = KeyboardBus(BusSpec("b", "keyboard", str(tmp_path / "event0")), busy)
    bus.pump(1.0)
    assert "somebody else has taken it" in bus.health().trouble


def lines_of(data: bytes, keys: TypedLines) -> list[bytes]:
    return [line for _, _, *rest in struct.iter_unpack("@llHHi", data) for line in keys.feed(*rest)]


def test_a_line_that_is_too_long_or_lost_a_key_is_dropped() -> None:
    keys = TypedLines()
    assert lines_of(typed("A" * (LONGEST + 1)), keys) == []
    assert lines_of(typed("AB")[:48] + event(0, 3, 0) + typed("CD"), keys) == []
    assert keys.dropped == 2
    assert lines_of(typed("04A2"), keys) == [b"04A2"]


def test_repeats_releases_and_other_keys_are_passed_over() -> None:
    keys = TypedLines()
    data = event(1, KEYS["A"], 1) + event(1, KEYS["A"], 2) + event(1, 42, 1) + event(3, KEYS["B"], 1) + typed("B", 96)
    assert lines_of(data, keys) == [b"AB"]
    assert lines_of(typed(""), keys) == []
