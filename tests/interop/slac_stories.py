"""Stories of SLAC on a veth pair, for `test_slac_on_a_wire.py`: `python -m tests.interop.slac_stories NAME` prints what was seen as JSON.

To be run in a network namespace of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from chargepoint.model.data_link import DataLinkState
from hil.attach.private_network import lay_cables
from hil.bench.bench import Bench
from hil.bench.site import Choices
from hil.simulators.slac.powerline import ModemFaults, Powerline, SimulatedModem
from hil.simulators.slac.wire import PowerlineWire
from tests.bench.cars import available, looping
from tests.bench.slac import measure
from tests.bench.slac_rig import PATIENCE_S, SlacRig, address, simulated_car


async def matched() -> dict[str, Any]:
    """Twenty plug-ins, one after the other."""
    return await measure(20)


async def two_cars() -> dict[str, Any]:
    """Two cars sound at once; the farther one asks first."""
    async with SlacRig({"far": simulated_car(2, 30), "near": simulated_car(1, 6)}) as rig:
        await rig.reach(DataLinkState.READY)
        await rig.plug_in("far", "near")
        joined = {name: car.core.joined_nid is not None for name, car in rig.line.cars.items()}
        return {"joined": joined, "problems": rig.problems, "car": rig.changes[-1].car_mac}


async def refused_key() -> dict[str, Any]:
    """The modem refuses its key."""
    async with SlacRig({}, ModemFaults(refuses_key=True, result=2)) as rig:
        async with asyncio.timeout(10.0):
            while not rig.problems:
                await asyncio.sleep(0.05)
        return {"state": rig.core.state.value, "problems": rig.problems}


async def interface_down_and_up() -> dict[str, Any]:
    """The modem's interface goes down under a matched car, and comes back."""
    async with SlacRig({"car": simulated_car(1, 8)}) as rig:
        await rig.reach(DataLinkState.READY)
        await rig.plug_in("car")
        _ip("link", "set", "evse1", "down")
        await rig.reach(DataLinkState.PREPARING)
        detail = rig.changes[-1].detail
        _ip("link", "set", "evse1", "up")
        await rig.reach(DataLinkState.READY)
        rig.unplug("car")
        await rig.reach(DataLinkState.READY)
        await rig.plug_in("car")
        return {"detail": detail, "state": rig.core.state.value}


async def station() -> dict[str, Any]:
    """The whole station: plant, power process and daemon. Its modem is silent at first, then a car charges at it."""
    cable = lay_cables(1)[0]
    ours = 'interface = "lo"'
    line = Powerline(
        {"one": SimulatedModem(address(0x80), faults=ModemFaults(silent=True))}, {"car": simulated_car(1, 8)}
    )
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        choices = Choices(
            Path(folder) / "demo",
            cables=(cable,),
            tls=False,
            without_waits=True,
            amendments=((ours, f'{ours}\nslac = "modem"'),),
        )
        async with Bench(choices, observe=False) as bench, PowerlineWire(cable.car, line) as wire:
            await available(bench)
            await bench.plant.ask({"do": "plug", "evse": 1})
            await asyncio.sleep(4.0)
            seen["without_modem"] = {**await _link(bench), "duty_percent": await _duty_percent(bench)}
            line.stations["one"].faults = ModemFaults()
            seen["with_modem"] = {"duty_percent": await _until_5_percent(bench)}
            wire.plug_in("car")
            seen["matched"] = await _until(bench, "up")
            await bench.plant.ask({"do": "unplug", "evse": 1})
            wire.unplug("car")
            await _until(bench, "ready")
            await bench.token()
            await bench.plug()
            await _until_5_percent(bench)
            wire.plug_in("car")
            core = await looping(bench)
            seen["charging"] = {**await _until(bench, "up"), "loops": core.progress.loops}
            await bench.unplug()
        seen["log"] = [
            line for line in (choices.folder / "log" / "daemon.log").read_text().splitlines() if "SLAC" in line
        ]
    return seen


async def _link(bench: Bench) -> dict[str, Any]:
    shown: dict[str, Any] = (await bench.evse())["data_link"]
    return shown


async def _until(bench: Bench, state: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while (shown := await _link(bench))["state"] != state:
            await asyncio.sleep(0.05)
    return shown


async def _duty_percent(bench: Bench) -> float | None:
    duty: float | None = (await bench.plant_state())["duty_percent"]
    return duty


async def _until_5_percent(bench: Bench) -> float | None:
    async with asyncio.timeout(PATIENCE_S):
        while (duty := await _duty_percent(bench)) != 5.0:
            await asyncio.sleep(0.02)
    return duty


STORIES: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    story.__name__: story for story in (matched, two_cars, refused_key, interface_down_and_up, station)
}


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


async def _played() -> dict[str, Any]:
    return await STORIES[sys.argv[1]]()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_played())))
