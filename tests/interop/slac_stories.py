"""Stories of SLAC on a veth pair, for `test_slac_on_a_wire.py`: `python -m tests.interop.slac_stories NAME` prints what was seen as JSON.

To be run in a network namespace of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from chargepoint.model.data_link import DataLinkState
from hil.simulators.slac.powerline import ModemFaults
from tests.bench.slac import measure
from tests.bench.slac_rig import SlacRig, simulated_car


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


STORIES: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    story.__name__: story for story in (matched, two_cars, refused_key, interface_down_and_up)
}


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


async def _played() -> dict[str, Any]:
    return await STORIES[sys.argv[1]]()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_played())))
