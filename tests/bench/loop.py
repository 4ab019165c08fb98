"""`./run bench loop [--seconds N] [--json]`: from SDP to the first charge loop, and what a charge loop costs.

The demo's daemon and power process, TLS and central system included, with the virtual car at 20 loops/s. `answer_ms` is measured at
the car: it has the car's own codec and the loopback in it.

* `sdp_to_first_loop_s`: the median of SESSIONS sessions on a plant without waits. Contactors, lock, output and self-test take their
  least (`EvsePlant.without_waits`), and the power process ticks each 5 ms. Its checks are those of a charger.
* `with_hardware_s`: one session where contactors, module and lock keep their times and the self-test takes SELF_TEST_S.
* `cars_at_decisions_alone`: 1, 4 and 8 cars without TLS, central system and power process.
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

from chargepoint.iso15118.exi.codec import encode, preload
from chargepoint.iso15118.messages.dc import DC_ChargeLoopReq
from chargepoint.iso15118.v2gtp import frame
from hil.demo.bench import Bench
from hil.demo.changes import central_system
from hil.demo.site import Choices
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.order import NAMESPACES
from tests.bench.fuzz_car import StationProcess, Wire, good_session, walked

LOOP_PERIOD_S = 0.05
ONGOING_PAUSE_S = 0.005
"""How long the car pauses before it repeats a request. The station paces such a car by holding its answer."""
SDP_PORT = 25122
SELF_TEST_S = 0.5
"""Of the simulated insulation monitor, in the session with the hardware's times."""
SESSIONS = 3
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
    """One car: the way to its first loop, SESSIONS times, then its loops for so many seconds."""
    choices = Choices(folder, own_car=True, interface="lo", tls=True, sdp_port=SDP_PORT, without_waits=True)
    async with Bench(choices) as bench:
        bench.spec.loop_period_s, bench.spec.ongoing_pause_s = LOOP_PERIOD_S, ONGOING_PAUSE_S
        ways: list[dict[str, float]] = []
        while True:
            core = await _to_first_loop(bench, len(ways))
            ways.append({n: s - core.progress.marks["connect"] for n, s in core.progress.marks.items()})
            if len(ways) == SESSIONS:
                break
            await bench.unplug()
        pids = {name: _pid(bench, name) for name in ("daemon", "power")}
        used_s = {name: processor_s(pid) for name, pid in pids.items()}
        began_s = time.monotonic()
        await asyncio.sleep(seconds)
        took_s = time.monotonic() - began_s
        percent = {name: round((processor_s(pid) - used_s[name]) / took_s * 100, 1) for name, pid in pids.items()}
        memory = {name: rss_MB(pid) for name, pid in pids.items()}
        answers = [e for e in core.log.entries if e.name == LOOP and e.took_ms is not None and e.at_s >= began_s]
        ways.sort(key=lambda way: way["first_loop"])
        middle = {name: round(at_s, 3) for name, at_s in ways[len(ways) // 2].items()}
        samples = sorted(float(e.took_ms or 0.0) for e in answers)
        return {
            "sdp_to_first_loop_s": middle["first_loop"],
            "sdp_to_first_loop_each_s": [round(way["first_loop"], 3) for way in ways],
            "marks_s": middle,
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


async def measure_with_hardware(folder: Path) -> float:
    """Seconds from SDP to the first loop with the hardware's own times."""
    choices = Choices(folder, own_car=True, interface="lo", tls=True, sdp_port=SDP_PORT, self_test_s=SELF_TEST_S)
    async with Bench(choices) as bench:
        marks = (await _to_first_loop(bench)).progress.marks
        return round(marks["first_loop"] - marks["connect"], 3)


async def _to_first_loop(bench: Bench, number: int = 0) -> CarCore:
    """A card (another one each time: a reader reports the same one once in a while), a plug, the car with its first loop answered."""
    preload(*NAMESPACES.values())  # the car's own grammars: loading them is no time of the station
    await _available(bench)
    await bench.token(f"04A2B3C4D5{number:04X}")  # before the plug, so that no car waits for a card
    await bench.plug()
    return await _looping(bench)


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
        while (core := bench.cars[1].core) is None or core.progress.loops == 0:
            if core is not None and core.progress.error is not None:
                raise RuntimeError(f"the car gave up: {core.progress.error}")
            await asyncio.sleep(0.01)
    return core


def _pid(bench: Bench, name: str) -> int:
    pid = bench.children[name].pid
    if pid is None:
        raise RuntimeError(f"the process {name} does not run")
    return pid


def measure_decisions(folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """So many cars at once at 20 loops/s, without TLS, central system and power process: SECC, control, arbiter, book only."""
    station = StationProcess(folder / f"stations-{count}.log", count)
    good = good_session()
    loop = next(index for index, (_, request) in enumerate(good) if isinstance(request, DC_ChargeLoopReq))
    cars: list[tuple[Wire, bytes]] = []
    samples: list[float] = []
    due = [0.0] * count
    sent = [0.0] * count
    for port in station.ports:  # the first cars loop on while the others walk to their loops
        wire = Wire(port)
        walk = walked(wire, good, loop)
        if walk is None:
            raise RuntimeError("a car did not reach its charge loop")
        kind, request = walk[loop]
        cars.append((wire, frame(kind, encode(request))))
        for other, data in cars:
            other.send(data)
            if other.answer(1.0) is None:
                raise RuntimeError("a charge loop was not answered")
    before, began_s = station.ask(), time.monotonic()
    due = [began_s + index * LOOP_PERIOD_S / count for index in range(count)]
    while time.monotonic() < began_s + seconds:
        index = min(range(count), key=due.__getitem__)
        wire, data = cars[index]
        time.sleep(max(0.0, due[index] - time.monotonic()))
        sent[index] = time.monotonic()
        wire.send(data)
        if wire.answer(1.0) is None:
            raise RuntimeError("a charge loop was not answered")
        samples.append((time.monotonic() - sent[index]) * 1000)
        due[index] += LOOP_PERIOD_S
    took_s = time.monotonic() - began_s
    after = station.ask()
    for wire, _ in cars:
        wire.reset()
    station.close()
    samples.sort()
    return {
        "loops_per_s": round(len(samples) / took_s, 1),
        "answer_ms": {
            "p50": round(statistics.median(samples), 2),
            "p99": round(samples[min(len(samples) - 1, int(len(samples) * 0.99))], 2),
            "max": round(samples[-1], 2),
        },
        "cpu_percent": round((after["processor_s"] - before["processor_s"]) / took_s * 100, 1),
        "rss_MB": after["rss_MB"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder) / "demo", options.seconds))
        figures["with_hardware_s"] = asyncio.run(measure_with_hardware(Path(folder) / "hardware"))
        figures["cars_at_decisions_alone"] = {
            str(count): measure_decisions(Path(folder), count, options.seconds) for count in (1, 4, 8)
        }
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
