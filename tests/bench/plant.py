"""How fast the plant is: `./run bench plant [--json]`. Physics alone at 1, 8 and 50 charging points, and a whole station in virtual time.

`real_time_factor`: seconds of the plant in one second of the computer. The session of the whole station has the controller's two
processes, the car and the central system in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from hil.bench.opening import open_bench
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.plant.pilot import Generator
from hil.plant.station import STEP_S, Plant
from hil.virtual.loop import VirtualLoop

COUNTS = (1, 8, 50)
SESSION_S = 60.0
ORDER_EVERY_S = 0.1
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="figures alone, as JSON")
    options = parser.parse_args()
    points = {str(count): _in_a_process(_physics, count) for count in COUNTS}
    figures = {
        "real_time_factor": {count: point["real_time_factor"] for count, point in points.items()},
        "steps_per_s": {count: point["steps_per_s"] for count, point in points.items()},
        "rss_MB": {count: point["rss_MB"] for count, point in points.items()},
        "energy_violations": sum(point["energy_violations"] for point in points.values()),
        "whole_station": _in_a_process(_whole_station, 1),
    }
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for count in points:
        print(
            f"{count:>3} charging points: {figures['real_time_factor'][count]:8.1f} times real time, "
            f"{figures['steps_per_s'][count]:9.0f} steps/s, {figures['rss_MB'][count]:6.1f} MB"
        )
    print(f"whole station, one session: {figures['whole_station']}")


def _in_a_process(measure: Any, count: int) -> dict[str, Any]:
    """Each in a fresh process: memory counts from the beginning."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(measure, (count,))
    return found


def _rss_MB() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def _physics(count: int) -> dict[str, Any]:
    """A session at each of so many points: closed, charging, discharging, open. The median of three runs."""
    factors, violations = [], 0
    for _ in range(RUNS):
        plant = Plant(evses={number: _evse(number) for number in range(1, count + 1)})
        plant.join()
        plant.watch()
        session_s = SESSION_S if count == 1 else SESSION_S / count * 4
        began_s = time.perf_counter()
        for turn in range(round(session_s / ORDER_EVERY_S)):
            at_s = turn * ORDER_EVERY_S
            for evse in plant.evses.values():
                _order(evse, at_s / session_s)
            plant.advance_to(at_s)
        factors.append(session_s / (time.perf_counter() - began_s))
        violations += sum(evse.energy.violations for evse in plant.evses.values())
    factor = statistics.median(factors)
    return {
        "real_time_factor": round(factor, 1),
        "steps_per_s": round(factor * count / STEP_S),
        "rss_MB": _rss_MB(),
        "energy_violations": violations,
    }


def _evse(number: int) -> EvsePlant:
    evse = EvsePlant(number, {"m": ModulePlant(source_power_W=30_000.0, sink_power_W=30_000.0)})
    evse.plug()
    evse.car.contactors_wanted = True
    evse.modules["m"].set_remote(True)
    return evse


def _order(evse: EvsePlant, share: float) -> None:
    """What a station orders after this share of the session."""
    module, board = evse.modules["m"], evse.board
    request = 1 if 0.05 < share < 0.95 else 0
    board.write(board.sequence, int(Generator.PWM), 50, request, ~request & 0xFFFF)
    module.set_output(request == 1)
    charging = share < 0.5
    module.voltage_set_V = 420.0 if charging else 300.0
    module.source_current_A, module.sink_current_A = (30.0, 0.0) if charging else (0.0, 30.0)


def _whole_station(_: int) -> dict[str, Any]:
    async def session() -> dict[str, Any]:
        began_s = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            async with open_bench({}, Path(folder), virtual=True, seed=1) as bench:
                ready_s = time.perf_counter() - began_s
                began_s = time.perf_counter()
                await bench.do("plug", {})
                await bench.do("token", {})
                await bench.sleep(30.0)
                await bench.do("setpoint", {"power_W": -8000})
                await bench.sleep(30.0)
                await bench.do("unplug", {})
                await bench.look()
                took_s = time.perf_counter() - began_s
                return {
                    "real_time_factor": round(bench.now_s() / took_s, 1),
                    "session_s": round(bench.now_s(), 1),
                    "start_s": round(ready_s, 2),
                    "rss_MB": _rss_MB(),
                    "charge_loops": bench.record.latest("car_loops", 1),
                }

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(session())


if __name__ == "__main__":
    main()
