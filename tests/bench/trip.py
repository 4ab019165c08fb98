"""`./run bench trip [--trips N] [--evses N] [--no-realtime] [--no-load] [--baud N] [--json]`: from a danger to the order that opens the contactor.

* `edge_to_order_ms`: from the moment the last byte of the board's reply can be read to the first byte of the order without the contactor.
* `input_to_order_ms`: from the input of the simulated board that opens to the same byte; the bus is included.

Both are measured at the other end of the wire, in the plant's process, so its own wake-up is part of both. The wires keep the
time of their baud rate (`hil/simulators/wire.py`). A trip is a door that opens at a random moment after the contactor was ordered closed.
`replies_lost` counts answers that the plant did not give in time: a processor that others have taken shows there first.
The load stands for the daemon: processes of ordinary priority, one for each processor, that shake hands over TLS, encode and
decode EXI, and parse charging profiles without a pause.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, Stage
from hil import priority
from tests.bench.power_rig import ROOT, PowerRig, load, printed, scheduling

PATIENCE_S = 20.0
RESET_AGAIN_S = 0.3
LOAD = "tests.bench.daemon_load"


async def _off(rig: PowerRig, number: EvseId) -> None:
    """A trip in the middle of the insulation monitor's self-test leaves a fault for a person to reset: the bench is that person."""

    def off() -> bool:
        image = rig.images[number]
        return image.stage is Stage.OFF and not image.faults

    def may_be_reset() -> bool:
        return rig.images[number].stage in (Stage.OFF, Stage.FAULTED)

    await rig.until("the end of its sequence", may_be_reset, number, PATIENCE_S)
    until_s = time.monotonic() + PATIENCE_S
    while not off():
        rig.client.reset_faults(number, "bench")
        with contextlib.suppress(RuntimeError):
            await rig.until("a reset", off, number, RESET_AGAIN_S)
        if time.monotonic() > until_s:
            raise RuntimeError(f"EVSE {number}: not off within {PATIENCE_S:.0f} s: {rig.images[number].faults}")


async def _trip(rig: PowerRig, number: EvseId, order: random.Random) -> dict[str, Any]:
    """Close, open the door at a random moment, and have it closed again."""
    await _off(rig, number)
    rig.enter(number, Phase.CABLE_CHECK)
    await rig.until("closed", lambda: rig.images[number].contactor is Contactor.CLOSED, number, PATIENCE_S)
    known = (await rig.plant.ask({"do": "trips", "evse": number}))["trips"][-1:]
    await rig.plant.ask({"do": "trip", "evse": number, "delay_s": order.uniform(0.01, 0.08)})
    await rig.until("an open door", lambda: FaultCode.DOOR_OPEN in rig.images[number].faults, number, PATIENCE_S)
    rig.enter(number, Phase.OFF)
    until_s = time.monotonic() + PATIENCE_S
    while (found := (await rig.plant.ask({"do": "trips", "evse": number}))["trips"][-1:]) == known:
        if time.monotonic() > until_s:
            raise RuntimeError(f"EVSE {number}: no order followed an open door within {PATIENCE_S:.0f} s")
        await asyncio.sleep(0.005)
    await rig.plant.ask({"do": "door", "evse": number, "open": False})
    trip: dict[str, Any] = found[0]
    return trip


async def measure(
    folder: Path, trips: int, evses: int, *, realtime: bool, loaded: bool, baud: int | None
) -> dict[str, Any]:
    """So many trips, shared by the EVSEs."""

    def amend(text: str) -> str:
        return text if baud is None else re.sub(r"(?m)^baud = 115200$", f"baud = {baud}", text)

    order = random.Random(31)
    seen: list[dict[str, Any]] = []
    async with PowerRig(folder, evses, realtime=realtime, amend=amend, plant=("--without-waits",)) as rig:
        for number in rig.evse_ids:
            await rig.plant.ask({"do": "plug", "evse": number})
            await rig.plant.ask({"do": "car", "evse": number, "pilot": "C"})
        await asyncio.sleep(1.0)
        processors = load()["processors"] if loaded else 0
        busy = [await asyncio.create_subprocess_exec(sys.executable, "-m", LOAD, cwd=ROOT) for _ in range(processors)]

        async def one_after_the_other(number: EvseId) -> None:
            while len(seen) < trips:
                seen.append(await _trip(rig, number, order))

        urgent = not realtime or priority.raise_own()  # the bench brings about trips; the load stands for the daemon
        began_s = time.monotonic()
        try:
            await asyncio.gather(*(one_after_the_other(number) for number in rig.evse_ids))
            busyness, took_s = load(), time.monotonic() - began_s
        finally:
            for process in busy:
                process.kill()
                await process.wait()
        had = scheduling(rig.pid("power"))
        health, buses = rig.client.process, rig.client.buses.values()
        lost = sum(bus.timeouts + bus.crc_errors + bus.mismatches for bus in buses)
    edges = [(trip["ordered_s"] - trip["replied_s"]) * 1000 for trip in seen if trip["replied_s"] is not None]
    whole = [(trip["ordered_s"] - trip["opened_s"]) * 1000 for trip in seen]
    return {
        "trips": len(seen),
        "took_s": round(took_s, 1),
        "trips_per_s": round(len(seen) / took_s, 1),
        "bench_urgent": urgent,
        "edge_to_order_ms": spread(edges),
        "input_to_order_ms": spread(whole),
        "baud": baud or 115200,
        "evses": evses,
        "realtime": had,
        "replies_lost": lost,
        "late_over_5_ms": None if health is None else health.over_5_ms,
        "load": {**busyness, "busy_processes": processors},
    }


def spread(samples: list[float]) -> dict[str, float]:
    """p50, p99, p99.9 and the greatest."""
    ordered = sorted(samples) or [float("nan")]

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)

    return {"p50": at(0.5), "p99": at(0.99), "p99_9": at(0.999), "max": round(ordered[-1], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./run bench trip", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trips", type=int, default=10_000)
    parser.add_argument("--evses", type=int, default=4, help="trips happen at so many EVSEs side by side")
    parser.add_argument("--no-realtime", action="store_true")
    parser.add_argument("--no-load", action="store_true")
    parser.add_argument("--baud", type=int, help="of the wire of board and module; default: 115200")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(
            measure(
                Path(folder) / "rig",
                options.trips,
                options.evses,
                realtime=not options.no_realtime,
                loaded=not options.no_load,
                baud=options.baud,
            )
        )
    printed(figures, as_json=options.json)


if __name__ == "__main__":
    main()
