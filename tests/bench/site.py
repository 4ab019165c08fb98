"""`./run bench site [--count N] [--json]`: from an order on the site bus to the module's write on the bus.

`message_to_write_ms`: from the PUBLISH packet leaving the edge terminal's socket to the first byte of the changed set-point on the
module's bus. The broker's work is in it; `broker_ms` is how long another subscriber waited for the same message. `bus_ms`: what the longest exchange on that bus takes at its baud rate. The simulated wire
takes no time: on a real one a write waits for at most that long, and then takes its own share of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import statistics
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from hil.bench.bench import EMBEDDED, Bench
from hil.bench.site import SITE, SITE_TOPIC, Choices
from hil.demo.story import Story
from hil.simulators.mqtt_broker import mosquitto
from tests.bench.setpoint import BITS_PER_BYTE, BUS, changed, writes

LEASE_S = 60
GOAL_MS = 10.0
"""Of the 99th percentile, beside `bus_ms`."""


async def measure(folder: Path, count: int) -> dict[str, Any]:
    """A live session with the bench's car; set-points at random moments between -10 and +10 kW."""
    choices = Choices(folder, interface="lo", sdp_port=25123, control_mode="dynamic", mqtt_url=EMBEDDED)
    chance = random.Random(13)
    async with Bench(choices, observe=False) as bench:
        await Story(bench, 0.0).until_power_flows()
        site = tomllib.loads((folder / SITE).read_text())
        address = urlsplit(bench.choices.mqtt_url or "")
        samples: list[float] = []
        unsettled = sent = 0
        power_W = 5000.0
        broker_ms: list[float] = []
        at_once = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
        async with aiomqtt.Client(address.hostname or "", address.port or 1883, socket_options=at_once) as edge:
            await edge.subscribe(f"{SITE_TOPIC}/order")
            while len(samples) < count:
                await asyncio.sleep(0.8 + 0.4 * chance.random())  # the ramp before takes 0.3 s
                power_W = -power_W / abs(power_W) * chance.uniform(2000.0, 10_000.0)
                before = await writes(bench)
                sent += 1
                order = {"id": f"bench-{sent}", "do": "setpoint", "evse": 1, "power_W": power_W, "lease_s": LEASE_S}
                payload = json.dumps(order)
                sent_s = time.monotonic()
                await edge.publish(f"{SITE_TOPIC}/order", payload, qos=0)
                await anext(aiter(edge.messages))
                broker_ms.append((time.monotonic() - sent_s) * 1000)
                latency_s = await changed(bench, before, sent_s)
                if latency_s is not None:
                    samples.append(latency_s * 1000)
                    continue
                unsettled += 1
                if unsettled > count:
                    raise RuntimeError("the module's set-point never stands still before a change")
        longest_bytes = (await bench.plant.ask({"do": "writes", "bus": BUS}))["longest_bytes"]
        rss_MB = {name: child.rss_MB() for name, child in bench.children.items() if name != "plant"}
    samples.sort()
    bus_ms = longest_bytes * BITS_PER_BYTE / site["bus"][BUS]["baud"] * 1000
    return {
        "count": count,
        "broker": "mosquitto" if mosquitto() is not None else "amqtt",
        "message_to_write_ms": {
            "p50": round(statistics.median(samples), 2),
            "p99": round(samples[min(len(samples) - 1, int(len(samples) * 0.99))], 2),
            "max": round(samples[-1], 2),
        },
        "over_goal": sum(one_ms > GOAL_MS + bus_ms for one_ms in samples),
        "broker_ms": {"p50": round(statistics.median(broker_ms), 2), "max": round(max(broker_ms), 2)},
        "bus_ms": round(bus_ms, 2),
        "rss_MB": rss_MB,
        "left_out_because_unsettled": unsettled,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench site", description=__doc__)
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
