"""`./run bench slac [--times N] [--json]`: from plug-in to the data link, over packet sockets on a veth pair.

Both ends run in one process: the station's shell and core, and the simulated modem and car. The car keeps the intervals of the
standard: 0.2 s for the answers, 3 announcements and 10 sounds 20 ms apart. Each plug-in has a fresh key. The bench makes a
network namespace of its own, which needs root, or user namespaces.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from typing import Any

from chargepoint.model.data_link import DataLinkState
from hil.attach.private_network import inside, problem
from tests.bench.slac_rig import SlacRig, simulated_car

GOAL_S = 1.0
"""A car is matched within this time."""


async def measure(times: int) -> dict[str, Any]:
    """So many plug-ins, one after the other."""
    took_s: list[float] = []
    began_s = time.monotonic()
    async with SlacRig({"car": simulated_car(1, 8)}) as rig:
        for _ in range(times):
            await rig.reach(DataLinkState.READY)
            took_s.append(await rig.plug_in("car"))
            rig.unplug("car")
        problems = list(rig.problems)
        keys = rig.line.stations["one"].keys_set
    ordered = sorted(took_s)

    def at_ms(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 1)

    return {
        "plug_ins": times,
        "matched_within_1_s": sum(one <= GOAL_S for one in took_s),
        "to_link_ms": {"p50": at_ms(0.5), "p99": at_ms(0.99), "max": at_ms(1.0)},
        "keys_set": keys,
        "problems": problems,
        "took_s": round(time.monotonic() - began_s, 1),
    }


def main() -> None:
    """Measure in a network of its own, and print."""
    parser = argparse.ArgumentParser(prog="run bench slac", description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=200, help="plug-ins (default: 200, about 2 minutes)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        if (why := problem()) is not None:
            raise SystemExit(f"run bench slac: {why}")
        command = inside("tests.bench.slac", "--inside", "--times", str(options.times))
        raise SystemExit(subprocess.run([*command, *(["--json"] if options.json else [])]).returncode)
    result = asyncio.run(measure(options.times))
    if options.json:
        print(json.dumps(result))
    else:
        spread = result["to_link_ms"]
        print(f"{result['matched_within_1_s']} of {result['plug_ins']} plug-ins were matched within {GOAL_S:.0f} s")
        print(f"from plug-in to the link: p50 {spread['p50']} ms, p99 {spread['p99']} ms, max {spread['max']} ms")
        print(f"{result['keys_set']} keys were set; problems: {result['problems'] or 'none'}; {result['took_s']} s")
    sys.exit(0 if result["matched_within_1_s"] == result["plug_ins"] else 1)


if __name__ == "__main__":
    main()
