"""Each shipped profile over a real wire: a pymodbus server made from the profile, our bus and our driver. A new profile is in at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer

from chargepoint.ports import BusSpec
from drivers.catalog import open_bus
from drivers.profile.load import PROFILES, shipped
from drivers.profile.polled import PolledProfile
from hil.simulators.modbus_server import devices_of, port_of, serve
from hil.simulators.registers.from_profile import ProfileDevice, simulated_params
from hil.simulators.wire_ends import PtyEnd, raw_pty

NAMES = sorted(file.stem for file in PROFILES.glob("*.toml"))
GIVE_UP_S = 20.0


async def everything_read(bus: Any, polled: PolledProfile, complete: Callable[[], bool]) -> None:
    """Poll as the power process does, until every block was read."""
    give_up_at_s = time.monotonic() + GIVE_UP_S
    while not complete():
        now_s = time.monotonic()
        assert now_s < give_up_at_s, (polled.identity_error, polled.last_failure, bus.health())
        polled.poll(now_s)
        bus.pump(now_s)
        await asyncio.sleep(0.002)


def reader(name: str, master: Any) -> tuple[PolledProfile, Callable[[], bool]]:
    profile = shipped(name)
    seen: set[str] = set()
    polled = PolledProfile(name, profile, simulated_params(profile), 7, master, lambda block, _: seen.add(block))
    once = {block.name for block in profile.blocks.values() if block.every_s is None}
    wanted = set(profile.blocks) - once
    return polled, lambda: polled.identified and wanted <= seen


def compare(name: str, device: ProfileDevice, polled: PolledProfile) -> None:
    profile = shipped(name)
    read = [p for p in profile.points.values() if p.block is not None and p.name in polled.values]
    assert len(read) >= 2
    for point in read:
        shown, got = device.values[point.name], polled.values[point.name]
        if isinstance(shown, float):
            assert got == pytest.approx(shown, rel=1e-3, abs=0.6), point.name
        else:
            assert got == shown


@pytest.mark.parametrize("name", NAMES)
async def test_over_tcp(name: str) -> None:
    """Every profile, those for serial lines too: the driver does not see the difference."""
    profile = shipped(name)
    device = ProfileDevice(7, profile, simulated_params(profile))
    server = ModbusTcpServer(devices_of([device], lambda: None), framer=FramerType.SOCKET, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = port_of(server)
    bus: Any = open_bus(BusSpec("b", "tcp", f"127.0.0.1:{port}"))
    try:
        polled, complete = reader(name, bus.master)
        await everything_read(bus, polled, complete)
        compare(name, device, polled)
        assert bus.health().mismatches == 0
    finally:
        bus.close()
        await server.shutdown()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", [name for name in NAMES if "serial" in shipped(name).transports])
async def test_over_a_serial_line(name: str, tmp_path: Path) -> None:
    end = PtyEnd(tmp_path / "tty")
    end.open()
    inner, inner_slave = raw_pty()
    loop = asyncio.get_running_loop()
    loop.add_reader(end.master, lambda: os.write(inner, os.read(end.master, 4096)))
    loop.add_reader(inner, lambda: end.write(os.read(inner, 4096)))
    bus: Any = open_bus(BusSpec("b", "serial", str(end.port), 115200))
    polled, complete = reader(name, bus.master)
    device = ProfileDevice(7, polled.profile, polled.params)
    server = serve(os.ttyname(inner_slave), [device], lambda: None)
    await server.serve_forever(background=True)
    try:
        await everything_read(bus, polled, complete)
        compare(name, device, polled)
    finally:
        loop.remove_reader(end.master)
        loop.remove_reader(inner)
        bus.close()
        await server.shutdown()  # type: ignore[no-untyped-call]
        end.close()
        os.close(inner)
        os.close(inner_slave)
