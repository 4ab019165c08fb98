"""`./run bench loop [--seconds N] [--json]`: from SDP to the first charge loop, and what a charge loop costs.

The demo's daemon and power process, TLS and central system included, with virtual cars.

* `cars`: 1, 4 and 8 cars at once, each at an EVSE of its own (`tests/bench/cars.py`).
* `sdp_to_first_loop_s`: the median of SESSIONS sessions on a plant without waits. Contactors, lock, output and self-test take their
  least (`EvsePlant.without_waits`), and the power process ticks each 5 ms. Its checks are those of a charger.
* `with_hardware_s`: one session where contactors, module and lock keep their times and the self-test takes SELF_TEST_S.
* `cars_at_decisions_alone`: 1, 4 and 8 cars without TLS, central system and power process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from chargepoint.iso15118.exi.codec import encode, preload
from chargepoint.iso15118.messages.dc import DC_ChargeLoopReq
from chargepoint.iso15118.v2gtp import frame
from hil.bench.bench import Bench
from hil.bench.site import Choices
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.order import NAMESPACES
from tests.bench import cars
from tests.bench.cars import LOOP_PERIOD_S, ONGOING_PAUSE_S, available, looping
from tests.bench.fuzz_car import StationProcess, Wire, good_session, walked

SDP_PORT = 25122
SELF_TEST_S = 0.5
"""Of the simulated insulation monitor, in the session with the hardware's times."""
SESSIONS = 3


async def measure_way(folder: Path) -> dict[str, Any]:
    """One car's way to its first loop, SESSIONS times."""
    choices = Choices(folder, own_car=True, interface="lo", tls=True, sdp_port=SDP_PORT, without_waits=True)
    async with Bench(choices) as bench:
        spec = bench.own_car().spec
        spec.loop_period_s, spec.ongoing_pause_s = LOOP_PERIOD_S, ONGOING_PAUSE_S
        ways: list[dict[str, float]] = []
        for number in range(SESSIONS):
            core = await _to_first_loop(bench, number)
            ways.append({n: s - core.progress.marks["connect"] for n, s in core.progress.marks.items()})
            await bench.unplug()
        ways.sort(key=lambda way: way["first_loop"])
        middle = {name: round(at_s, 3) for name, at_s in ways[len(ways) // 2].items()}
        return {
            "sdp_to_first_loop_s": middle["first_loop"],
            "sdp_to_first_loop_each_s": [round(way["first_loop"], 3) for way in ways],
            "marks_s": middle,
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
    await available(bench)
    await bench.token(f"04A2B3C4D5{number:04X}")  # before the plug, so that no car waits for a card
    await bench.plug()
    return await looping(bench)


def measure_decisions(folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """So many cars at once at 20 loops/s, without TLS, central system and power process: SECC, control, arbiter, book only."""
    station = StationProcess(folder / f"stations-{count}.log", count)
    good = good_session()
    loop = next(index for index, (_, request) in enumerate(good) if isinstance(request, DC_ChargeLoopReq))
    plugged: list[tuple[Wire, bytes]] = []
    samples: list[float] = []
    due = [0.0] * count
    sent = [0.0] * count
    for port in station.ports:  # the first cars loop on while the others walk to their loops
        wire = Wire(port)
        walk = walked(wire, good, loop)
        if walk is None:
            raise RuntimeError("a car did not reach its charge loop")
        kind, request = walk[loop]
        plugged.append((wire, frame(kind, encode(request))))
        for other, data in plugged:
            other.send(data)
            if other.answer(1.0) is None:
                raise RuntimeError("a charge loop was not answered")
    before, began_s = station.ask(), time.monotonic()
    due = [began_s + index * LOOP_PERIOD_S / count for index in range(count)]
    while time.monotonic() < began_s + seconds:
        index = min(range(count), key=due.__getitem__)
        wire, data = plugged[index]
        time.sleep(max(0.0, due[index] - time.monotonic()))
        sent[index] = time.monotonic()
        wire.send(data)
        if wire.answer(1.0) is None:
            raise RuntimeError("a charge loop was not answered")
        samples.append((time.monotonic() - sent[index]) * 1000)
        due[index] += LOOP_PERIOD_S
    took_s = time.monotonic() - began_s
    after = station.ask()
    for wire, _ in plugged:
        wire.reset()
    station.close()
    return {
        "loops_per_s": round(len(samples) / took_s, 1),
        "answer_ms": cars.spread(samples),
        "cpu_percent": round((after["processor_s"] - before["processor_s"]) / took_s * 100, 1),
        "rss_MB": after["rss_MB"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure_way(Path(folder) / "demo"))
        figures["with_hardware_s"] = asyncio.run(measure_with_hardware(Path(folder) / "hardware"))
        figures["cars"] = {str(count): cars.figures(count, options.seconds) for count in (1, 4, 8)}
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
