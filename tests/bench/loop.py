"""`./run bench loop [--seconds N] [--json]`: from SDP to the first charge loop, and what a charge loop costs.

The demo's daemon and power process, TLS and central system included, with the virtual car at 20 loops/s. The insulation monitor's
self-test takes no time; the plant's contactors, module and ramps keep theirs, so `sdp_to_first_loop_s` is the station's own
time and the plant's. `answer_ms` is measured at the car: it has the car's own codec and the loopback in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from hil.demo.bench import Bench
from hil.demo.changes import central_system
from hil.demo.site import Choices
from hil.simulators.evcc.core import CarCore

LOOP_PERIOD_S = 0.05
SDP_PORT = 25122
PATIENCE_S = 60.0
LOOP = "DC_ChargeLoopRes"


def processor_s(pid: int) -> float:
    """Processor time this process used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_MB(pid: int) -> float:
    """Resident memory."""
    return round(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


async def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """One car: the way to its first loop, then its loops for so many seconds."""
    choices = Choices(folder, own_car=True, interface="lo", tls=True, sdp_port=SDP_PORT, self_test_s=0.0)
    async with Bench(choices) as bench:
        bench.spec.loop_period_s = LOOP_PERIOD_S
        await _available(bench)
        await bench.token()  # before the plug, so that no car waits for a card
        await bench.plug()
        core = await _looping(bench)
        pids = {name: _pid(bench, name) for name in ("daemon", "power")}
        used_s = {name: processor_s(pid) for name, pid in pids.items()}
        began_s = time.monotonic()
        await asyncio.sleep(seconds)
        took_s = time.monotonic() - began_s
        percent = {name: round((processor_s(pid) - used_s[name]) / took_s * 100, 1) for name, pid in pids.items()}
        memory = {name: rss_MB(pid) for name, pid in pids.items()}
        answers = [e for e in core.log.entries if e.name == LOOP and e.took_ms is not None and e.at_s >= began_s]
        first_s = next(e.at_s for e in core.log.entries if e.name == LOOP)
        samples = sorted(float(e.took_ms or 0.0) for e in answers)
        return {
            "sdp_to_first_loop_s": round(first_s - core.progress.marks["connect"], 3),
            "marks_s": {n: round(s - core.progress.marks["connect"], 3) for n, s in core.progress.marks.items()},
            "cars": {
                "1": {
                    "loops": len(samples),
                    "answer_ms": {
                        "p50": round(statistics.median(samples), 2),
                        "p99": round(samples[min(len(samples) - 1, int(len(samples) * 0.99))], 2),
                        "max": round(samples[-1], 2),
                    },
                    "cpu_percent": percent,
                    "rss_MB": memory,
                }
            },
            "load_average": round(os.getloadavg()[0], 1),
        }


async def _available(bench: Bench) -> None:
    """The central system has accepted the station, and the connector is free."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            daemon = await bench.status.ask({"do": "status"})
            if central_system(daemon["ocpp"]) == "Accepted" and (await bench.evse())["status"] == "Available":
                return
            await asyncio.sleep(0.1)


async def _looping(bench: Bench) -> CarCore:
    """The car, once its first charge loop is answered."""
    async with asyncio.timeout(PATIENCE_S):
        while (core := bench.car_core) is None or core.progress.loops == 0:
            if core is not None and core.progress.error is not None:
                raise RuntimeError(f"the car gave up: {core.progress.error}")
            await asyncio.sleep(0.01)
    return core


def _pid(bench: Bench, name: str) -> int:
    pid = bench.children[name].pid
    if pid is None:
        raise RuntimeError(f"the process {name} does not run")
    return pid


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder) / "demo", options.seconds))
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
