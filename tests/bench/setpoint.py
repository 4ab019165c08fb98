"""`./run bench setpoint [--count N] [--json]`: from a central system's SetChargingProfile to the module's write on the bus.

`frame_to_write_ms`: from the frame leaving the central system to the first byte of the changed set-point on the module's bus.
`bus_ms`: what the longest exchange on that bus takes at its baud rate. The simulated wire takes no time: on a real one a write
waits for at most that long, and then takes its own share of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from hil.bench.bench import Bench
from hil.bench.site import SITE, Choices
from hil.demo.story import Story

BUS, UNIT = "fast1", 11
QUIET_S = 0.4
"""A sample counts only where the module's set-point stood still this long before."""
PATIENCE_S = 5.0
BITS_PER_BYTE = 11  # 8E1


async def measure(folder: Path, count: int) -> dict[str, Any]:
    """A live session with the bench's car; set-points at random moments between -10 and +10 kW."""
    choices = Choices(folder, own_car=True, interface="lo", tls=True, sdp_port=25121, control_mode="dynamic")
    order = random.Random(12)
    async with Bench(choices) as bench:
        story = Story(bench, 0.0)
        await story.until_power_flows()
        site = tomllib.loads((folder / SITE).read_text())
        samples: list[float] = []
        unsettled = 0
        power_W = 5000.0
        while len(samples) < count:
            await asyncio.sleep(1.0 + order.random())
            power_W = -power_W / abs(power_W) * order.uniform(2000.0, 10_000.0)
            before = await writes(bench)
            sent_s = time.monotonic()
            await bench.setpoint(power_W)
            latency_s = await changed(bench, before, sent_s)
            if latency_s is None:
                unsettled += 1
                if unsettled > count:
                    raise RuntimeError("the module's set-point never stands still before a change")
            else:
                samples.append(latency_s * 1000)
        longest_bytes = (await bench.plant.ask({"do": "writes", "bus": BUS}))["longest_bytes"]
    samples.sort()
    return {
        "count": count,
        "frame_to_write_ms": {
            "p50": round(statistics.median(samples), 2),
            "p99": round(samples[min(len(samples) - 1, int(len(samples) * 0.99))], 2),
            "max": round(samples[-1], 2),
        },
        "bus_ms": round(longest_bytes * BITS_PER_BYTE / site["bus"][BUS]["baud"] * 1000, 2),
        "left_out_because_unsettled": unsettled,
    }


async def writes(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await bench.plant.ask({"do": "writes", "bus": BUS}))["writes"]
    return [write for write in found if write["unit"] == UNIT]


async def changed(bench: Bench, before: list[dict[str, Any]], sent_s: float) -> float | None:
    """Seconds until the first write that changes a register; None where the registers did not stand still before."""
    standing: dict[str, str] = {}
    for write in before:
        changes = standing.get(_register(write)) != write["hex"]
        standing[_register(write)] = write["hex"]
        if changes and write["at_s"] > sent_s - QUIET_S:
            return None
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        for write in await writes(bench):
            if write["at_s"] >= sent_s and standing.get(_register(write)) != write["hex"]:
                return float(write["at_s"]) - sent_s
        await asyncio.sleep(0.02)
    return None


def _register(write: dict[str, Any]) -> str:
    """Unit, function and address: the first four bytes."""
    return str(write["hex"][:8])


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench setpoint", description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder) / "demo", options.count))
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:30} {value}")


if __name__ == "__main__":
    main()
