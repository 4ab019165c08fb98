"""`./run bench power [--evses 1,2,4,8] [--seconds N] [--jitter-seconds N] [--profile N] [--json]`: what the power process costs, and how punctual it is.

* `cpu_percent`: of one processor, by the scheduler's account, for so many EVSEs, idle and transferring. The plant's own is not in it.
* `wakeups_per_s`: how often the process was woken. `images_per_s`: what the link client heard.
* `jitter`: both processors loaded by busy loops, with and without SCHED_FIFO. Lateness of the process's own deadlines.

The wires are ptys, which know no baud rate. The plant holds each reply back as a wire at the bus's baud rate does (115 200 and
38 400, 8E1): first the time of the request, then the reply in pieces of 8 bytes, each at its time (`hil/simulators/wire.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chargepoint.model.process_health import LATE_BOUNDS_MS
from tests.bench.power_rig import PowerRig, cpu_s, load, printed, scheduling, waits

SETTLE_S = 2.0


async def _figures(rig: PowerRig, seconds: float) -> dict[str, Any]:
    await asyncio.sleep(SETTLE_S)
    asked = await _transactions(rig)
    pid, plant = rig.pid("power"), rig.pid("plant")
    used_s, woken, heard, plant_s, began_s = cpu_s(pid), waits(pid), rig.images_heard, cpu_s(plant), time.monotonic()
    await asyncio.sleep(seconds)
    took_s = time.monotonic() - began_s
    count = len(rig.evse_ids)
    percent = (cpu_s(pid) - used_s) / took_s * 100
    return {
        "cpu_percent": round(percent, 2),
        "cpu_percent_per_evse": round(percent / count, 2),
        "wakeups_per_s": round((waits(pid) - woken) / took_s),
        "images_per_s": round((rig.images_heard - heard) / took_s),
        "plant_cpu_percent": round((cpu_s(plant) - plant_s) / took_s * 100, 1),
        "transactions_per_s": round((await _transactions(rig) - asked) / took_s),
        "transferring": rig.transferring,
        "faults": sum(len(image.faults) for image in rig.images.values()),
        "realtime": scheduling(pid),
        "load": load(),
    }


async def _transactions(rig: PowerRig) -> int:
    buses = (await rig.plant.ask({"do": "state"}))["buses"]
    return sum(int(bus["requests"]) for bus in buses.values())


async def measure_cost(
    folder: Path, evses: int, seconds: float, *, realtime: bool, profile: Path | None = None
) -> dict[str, Any]:
    """Idle, then transferring."""
    async with PowerRig(folder, evses, realtime=realtime, profile=profile) as rig:
        idle = await _figures(rig, seconds)
        await rig.energise()
        return {"idle": idle, "transferring": await _figures(rig, seconds)}


def functions(profile: Path, lines: int) -> list[str]:
    """The functions of a profile in which the most time was spent, one line each."""
    out = io.StringIO()
    pstats.Stats(str(profile), stream=out).sort_stats("tottime").print_stats(lines)
    return out.getvalue().splitlines()


async def measure_jitter(folder: Path, seconds: float, *, realtime: bool) -> dict[str, Any]:
    """Two EVSEs that transfer, while a busy loop runs on each processor."""
    async with PowerRig(folder, 2, realtime=realtime) as rig:
        await rig.energise()
        spin = [sys.executable, "-c", "while True: pass"]
        busy = [await asyncio.create_subprocess_exec(*spin) for _ in range(os.cpu_count() or 1)]
        try:
            figures = await _figures(rig, seconds)
        finally:
            for process in busy:
                process.kill()
                await process.wait()
        if (health := rig.client.process) is not None:
            named = [f"to {bound:g} ms" for bound in LATE_BOUNDS_MS] + ["later"]
            figures["late_wakeups"] = dict(zip(named, health.late_counts, strict=True))
            figures["worst_late_ms"] = round(health.worst_ms, 2)
    figures["last_line"] = rig.log("power").strip().splitlines()[-1]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./run bench power", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evses", default="1,2,4,8", help="counts of EVSEs, with commas between them")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--jitter-seconds", type=float, default=60.0, help="0: not measured")
    parser.add_argument("--no-realtime", action="store_true", help="without SCHED_FIFO")
    parser.add_argument("--profile", type=int, default=0, metavar="N", help="list the N costliest functions; slower")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {"pacing": "replies in pieces of 8 bytes at the baud rate of the bus", "evses": {}}
    with tempfile.TemporaryDirectory() as folder:
        for count in (int(word) for word in options.evses.split(",") if word):
            place = Path(folder) / f"rig{count}"
            profile = Path(folder) / f"profile{count}" if options.profile else None
            realtime = not options.no_realtime
            found = asyncio.run(measure_cost(place, count, options.seconds, realtime=realtime, profile=profile))
            if profile is not None:
                found["functions"] = functions(profile, options.profile)
            figures["evses"][str(count)] = found
        if options.jitter_seconds:
            figures["jitter"] = {
                name: asyncio.run(measure_jitter(Path(folder) / name, options.jitter_seconds, realtime=realtime))
                for name, realtime in (("with_realtime", True), ("without_realtime", False))
            }
    printed(figures, as_json=options.json)


if __name__ == "__main__":
    main()
