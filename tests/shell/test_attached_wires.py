"""Wires whose end is not the bench's own: a CAN interface, a serial device that is not there."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from hil.plant.module import ModulePlant
from hil.plant.station import Plant
from hil.simulators import can_wire
from hil.simulators.can_modules import InfypowerModel
from hil.simulators.can_wire import CanWire
from hil.simulators.wire_ends import SerialEnd


async def test_a_wire_at_a_can_interface_answers_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This machine's kernel has no CAN: a pair of sockets with the same frames stands for the interface."""
    ours, bus = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asked_for: list[str] = []

    def interface(name: str) -> socket.socket:
        asked_for.append(name)
        return ours

    monkeypatch.setattr(can_wire, "raw_can", interface)
    port = tmp_path / "can.sock"
    wire = CanWire("can1", port, [InfypowerModel(3, ModulePlant())], Plant(), time.monotonic, "can0")
    await wire.start()
    assert wire.plugged
    assert asked_for == ["can0"]
    assert not port.exists()
    bus.send(bytes(16))
    async with asyncio.timeout(5):
        while wire.requests == 0:
            await asyncio.sleep(0.001)
    await wire.stop()
    assert not wire.plugged
    bus.close()


def test_a_can_interface_that_is_not_there_is_named_with_a_remedy() -> None:
    with pytest.raises(OSError, match=r"CAN interface can77: .*ip link set can77 up"):
        can_wire.raw_can("can77")


async def test_a_serial_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    end = SerialEnd(str(tmp_path / "ttyUSB7"), 115200, "8E1")
    with pytest.raises(OSError, match="ttyUSB7"):
        end.listen(lambda data: None)
    assert not end.plugged
    end.write(b"nobody hears this")
    end.close()
