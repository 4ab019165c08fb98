"""Cars at once on the whole station, each at an EVSE of its own, over TLS, at 20 loops/s: part of `./run bench loop`.

`python -m tests.bench.cars --cars N --seconds S` prints one JSON object. It starts itself again in a network
namespace, where each EVSE has a network interface (`hil/attach/private_network.py`). The station is that of the demo, with the times
of the simulated hardware and the tick of a charger. Figures:

* `answer_ms`: from the request's last byte to the answer, measured at the car. It has the car's codec and the other cars' turns in it.
* `loop_lag_ms`: how late the daemon's event loop was, in the last minute, by its own measurement.
* `cpu_percent` and `rss_MB` of daemon and power process. Plant, cars and central system are in `bench_cpu_percent`.
* `loops` of `loops_due` and `waited_for_processor_percent` show whether the computer was the limit: `machine_was_the_limit`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chargepoint.iso15118.exi.codec import preload
from hil.attach import private_network
from hil.bench.bench import Bench
from hil.bench.changes import central_system
from hil.bench.site import EVSES_MAX, Choices
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.order import NAMESPACES

LOOP_PERIOD_S = 0.05
ONGOING_PAUSE_S = 0.005
"""How long the car pauses before it repeats a request. The station paces such a car by holding its answer."""
LOOP = "DC_ChargeLoopRes"
SELF_TEST_S = 0.3
SETTLE_S = 1.0
"""The last car's first loops are not those of the measurement."""
PATIENCE_S = 60.0
WAITED_PERCENT = 5.0
"""A process that waits for a processor more than this share of the time answers late because of the computer."""
LOOPS_SHARE = 0.9
"""With fewer loops of those due the cars, or the station, did not keep up."""
SPARE_S = 240.0
"""What a measurement takes beside its seconds, at most."""


def processor_s(pid: int) -> float:
    """Processor time this process used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_MB(pid: int) -> float:
    """Resident memory."""
    return round(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def waited_s(pid: int) -> float:
    """How long this process could have run and no processor was free, since its start, in seconds (/proc/PID/schedstat)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def spread(samples: list[float]) -> dict[str, float]:
    """Median, 99th percentile and greatest of these milliseconds; zeros without any."""
    ordered = sorted(samples) or [0.0]
    return {
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
        "max": round(ordered[-1], 2),
    }


async def available(bench: Bench) -> None:
    """The central system has accepted the station, and each EVSE that has a car is free."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            daemon = await bench.status.ask({"do": "status"})
            free = all(daemon["evses"][str(evse)]["status"] == "Available" for evse in bench.cars)
            if free and central_system(daemon["ocpp"]) == "Accepted":
                return
            await asyncio.sleep(0.1)


async def looping(bench: Bench, evse: int = 1) -> CarCore:
    """The car of this EVSE, once its first charge loop is answered."""
    async with asyncio.timeout(PATIENCE_S):
        while (core := bench.cars[evse].core) is None or core.progress.loops == 0:
            if core is not None and core.progress.error is not None:
                raise RuntimeError(f"the car at EVSE {evse} gave up: {core.progress.error}")
            await asyncio.sleep(0.01)
    return core


async def measure(folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """The figures of `count` cars at once. To be called in a network namespace of its own."""
    choices = Choices(folder, cables=private_network.lay_cables(count), self_test_s=SELF_TEST_S)
    preload(*NAMESPACES.values())  # the cars' own grammars
    async with Bench(choices, observe=False) as bench:
        for evse in bench.cars:
            car = bench.own_car(evse)
            car.spec.loop_period_s, car.spec.ongoing_pause_s = LOOP_PERIOD_S, ONGOING_PAUSE_S
        await available(bench)
        cores: list[CarCore] = []
        for evse in bench.cars:
            await bench.token(f"04A2B3C4D5{evse:04X}", evse)
            await bench.plug(evse)
            cores.append(await looping(bench, evse))
        gc.collect()
        gc.disable()  # a collection in this process, which keeps every message, is no time of the station
        await asyncio.sleep(SETTLE_S)
        pids = {name: _pid(bench, name) for name in bench.children} | {"cars": os.getpid()}
        used_s = {name: processor_s(pid) for name, pid in pids.items()}
        had_waited_s = {name: waited_s(pid) for name, pid in pids.items()}
        began_s = time.monotonic()
        await asyncio.sleep(seconds)
        took_s = time.monotonic() - began_s
        percent = {name: round((processor_s(pid) - used_s[name]) / took_s * 100, 1) for name, pid in pids.items()}
        waited = {name: round((waited_s(pid) - had_waited_s[name]) / took_s * 100, 1) for name, pid in pids.items()}
        for evse, core in zip(bench.cars, cores, strict=True):
            if core.ended:
                raise RuntimeError(f"the car at EVSE {evse} ended its session: {core.progress.error}")
        samples = [
            float(entry.took_ms)
            for core in cores
            for entry in core.log.entries
            if entry.name == LOOP and entry.took_ms is not None and entry.at_s >= began_s
        ]
        lag = (await bench.status.ask({"do": "status"}))["loop_lag"]
        due = round(count * took_s / LOOP_PERIOD_S)
        return {
            "loops": len(samples),
            "loops_due": due,
            "answer_ms": spread(samples),
            "cpu_percent": {name: percent[name] for name in ("daemon", "power")},
            "rss_MB": {name: rss_MB(pids[name]) for name in ("daemon", "power")},
            "loop_lag_ms": {"p99": lag["p99_ms"], "max": lag["worst_ms"]},
            "bench_cpu_percent": {name: percent[name] for name in ("plant", "cars")},
            "waited_for_processor_percent": waited,
            "load_average": round(os.getloadavg()[0], 1),
            "processors": os.cpu_count(),
            "machine_was_the_limit": max(waited.values()) > WAITED_PERCENT or len(samples) < LOOPS_SHARE * due,
        }


def figures(count: int, seconds: float) -> dict[str, Any]:
    """`measure` in a process and a network namespace of its own; {"not_measured": why} where there can be none."""
    why = private_network.problem()
    if why is not None:
        return {"not_measured": why}
    command = private_network.inside("tests.bench.cars", "--cars", str(count), "--seconds", str(seconds), "--inside")
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + SPARE_S)
    if done.returncode != 0:
        raise RuntimeError(f"{count} cars at once: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _pid(bench: Bench, name: str) -> int:
    pid = bench.children[name].pid
    if pid is None:
        raise RuntimeError(f"the process {name} does not run")
    return pid


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cars", description=__doc__)
    parser.add_argument("--cars", type=int, default=8, choices=range(1, EVSES_MAX + 1))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        print(json.dumps(figures(options.cars, options.seconds), indent=2))
        return
    with tempfile.TemporaryDirectory() as folder:
        json.dump(asyncio.run(measure(Path(folder), options.cars, options.seconds)), sys.stdout)


if __name__ == "__main__":
    main()
