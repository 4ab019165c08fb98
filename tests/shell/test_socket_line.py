"""A serial bus over a Unix socket: the same frames, a lost end is noticed, and a new one is found."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chargepoint.ports import BusSpec
from drivers.line_bus import LineBus
from drivers.socket_line import SocketLine, open_line
from drivers.tty import REOPEN_S, Gone
from hil.simulators.wire_ends import SocketEnd


async def test_bytes_go_both_ways(tmp_path: Path) -> None:
    heard: list[bytes] = []
    end = SocketEnd(tmp_path / "bus")
    end.listen(heard.append)
    line = open_line(str(tmp_path / "bus"), 9600, "8N1")
    assert isinstance(line, SocketLine)
    line.write(b"request")
    while not heard:
        await asyncio.sleep(0)
    assert heard == [b"request"]
    assert line.read() == b""
    end.write(b"reply")
    assert line.read() == b"reply"
    end.close()
    with pytest.raises(Gone, match="hung up"):
        line.read()
    with pytest.raises(Gone):
        line.write(b"late")
    line.close()


async def test_a_socket_without_anybody_behind_it_says_what_to_do(tmp_path: Path) -> None:
    end = SocketEnd(tmp_path / "bus")
    end.listen(lambda data: None)
    assert end._listener is not None
    end._listener.close()  # as a killed simulator leaves it
    with pytest.raises(Gone, match="nobody listens; start the simulator"):
        open_line(str(tmp_path / "bus"), 9600, "8N1")


async def test_a_bus_finds_the_socket_again(tmp_path: Path) -> None:
    end = SocketEnd(tmp_path / "reader")
    bus = LineBus(BusSpec("r", "line", str(tmp_path / "reader"), 9600, "8N1"))
    bus.pump(0.0)
    assert not bus.health().connected
    end.listen(lambda data: None)
    bus.pump(REOPEN_S)
    for _ in range(3):
        await asyncio.sleep(0)
    end.write(b"04A2B3C4\r\n")
    bus.pump(REOPEN_S + 0.1)
    assert list(bus.lines) == [b"04A2B3C4"]
    end.close()
    bus.pump(REOPEN_S + 0.2)
    assert not bus.health().connected
    end.listen(lambda data: None)
    bus.pump(2 * REOPEN_S + 0.3)
    assert bus.health().connected
    bus.close()
    end.close()


async def test_something_else_at_the_port_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bus").write_text("mine")
    with pytest.raises(FileExistsError):
        SocketEnd(tmp_path / "bus").listen(lambda data: None)
    assert (tmp_path / "bus").read_text() == "mine"
