"""`./run bench site-soak [--minutes M] [--compressed] [--json]`: ten messages a second, and a broker that is restarted each minute.

A demo's daemon with its site bus. Each second: nine values of the meter and one order, which is repeated until it is answered. The broker
keeps on the disk what it confirmed. Nothing promised may be lost: each order has its answer, each line of the journal
arrives, and so does the record of each session. `--compressed`: an hour's messages and restarts, six times as fast. The broker then dies
each 10 s, and the station's wait doubles after each connection of less than 30 s. So more orders meet an absent station and are repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt

from hil.bench.bench import EVSE, Bench
from hil.bench.site import SITE_TOPIC, Choices, free_port
from hil.demo.story import Story
from hil.simulators.mqtt_broker import mosquitto

MESSAGES_PER_S = 10
RESTART_EVERY_S = 60.0
COMPRESSION = 6.0
SETTLED_SHARE = 0.25
"""Memory is judged from here on: caches fill and lists reach their bounds before."""
LAST_PATIENCE_S = 30.0


class KeepingBroker:
    """A Mosquitto that writes what it confirmed before it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root", "persistence true")
        more = (f"persistence_location {folder}/", "max_queued_messages 0")
        self._file.write_text("\n".join((*lines, *more, "")))
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        program = mosquitto()
        if program is None:
            raise SystemExit(
                "site-soak needs Mosquitto, which keeps messages over its restart: install Debian's mosquitto"
            )
        self._process = subprocess.Popen(
            [program, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.starts += 1

    async def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait)


@dataclass(slots=True)
class Heard:
    """What arrived at a listener whose session outlives the broker's restarts: topic and payload."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [payload for topic, payload in self.lines if topic == f"{SITE_TOPIC}/{kind}"]


@contextlib.contextmanager
def listener(port: int, file: Path) -> Iterator[None]:
    """`mosquitto_sub` with a persistent session, its output in a file."""
    command = [
        "mosquitto_sub",
        "-p",
        str(port),
        "-V",
        "mqttv5",
        "-i",
        "soak-listener",
        "-c",
        "-x",
        "3600",
        "-q",
        "1",
        "-v",
    ]
    for kind in ("session", "event", "answer"):
        command += ["-t", f"{SITE_TOPIC}/{kind}"]
    with file.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def heard(file: Path) -> Heard:
    """All so far."""
    split = (line.split(" ", 1) for line in file.read_text().splitlines())
    return Heard([(topic, json.loads(payload)) for topic, payload in split])


@dataclass(slots=True)
class Soak:
    """The edge terminal's side."""

    port: int
    file: Path
    pace: float
    sent: int = 0
    ordered: list[str] = field(default_factory=list)

    async def run(self, until_s: float) -> None:
        """Until then; a lost broker is connected to again."""
        while time.monotonic() < until_s:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", self.port) as client:
                    reading = asyncio.create_task(_read(client))
                    try:
                        while time.monotonic() < until_s and not reading.done():
                            await self._one(client)
                            await asyncio.sleep(1.0 / (MESSAGES_PER_S * self.pace))
                    finally:
                        reading.cancel()
                        await asyncio.gather(reading, return_exceptions=True)
            await asyncio.sleep(0.1)

    async def _one(self, client: aiomqtt.Client) -> None:
        self.sent += 1
        if self.sent % MESSAGES_PER_S:
            await client.publish(f"{SITE_TOPIC}/meter", json.dumps({"power_W": 3000 + self.sent % 500}))
            return
        order_id = f"soak-{self.sent}"
        self.ordered.append(order_id)
        await self._order(client, order_id)

    async def _order(self, client: aiomqtt.Client, order_id: str) -> None:
        number = int(order_id.removeprefix("soak-"))
        power_W = 3000 + number // MESSAGES_PER_S % 50 * 100
        order = {"id": order_id, "do": "setpoint", "evse": EVSE, "power_W": power_W, "lease_s": 120}
        await client.publish(f"{SITE_TOPIC}/order", json.dumps(order), qos=1, timeout=2.0)

    async def ask_again(self) -> int:
        """Repeat the orders without an answer until each has one; how often."""
        await asyncio.sleep(1.0)  # the last ones have their answers on the way
        again, until_s = 0, time.monotonic() + LAST_PATIENCE_S
        while missing := sorted(set(self.ordered) - {answer["id"] for answer in heard(self.file).of("answer")}):
            if time.monotonic() > until_s:
                break
            async with aiomqtt.Client("127.0.0.1", self.port) as client:
                for order_id in missing:
                    again += 1
                    await self._order(client, order_id)
                    await asyncio.sleep(0.06)
            await asyncio.sleep(0.5)
        return again


async def _read(client: aiomqtt.Client) -> None:
    """Notice when the connection ends."""
    async for _ in client.messages:
        pass


async def measure(folder: Path, minutes: float, pace: float) -> dict[str, Any]:
    """The figures. `pace`: how much faster than ten messages a second and a restart a minute."""
    broker = KeepingBroker(folder / "broker")
    broker.start()
    try:
        return await _measured(broker, folder, minutes, pace)
    finally:
        await broker.stop()


async def _measured(broker: KeepingBroker, folder: Path, minutes: float, pace: float) -> dict[str, Any]:
    file = folder / "heard.txt"
    choices = Choices(folder / "demo", sdp_port=25126, self_test_s=0.6, mqtt_url=f"mqtt://127.0.0.1:{broker.port}")
    rss_MB: list[float] = []
    await asyncio.sleep(0.3)
    with listener(broker.port, file):
        async with Bench(choices, observe=False) as bench:
            await Story(bench, 0.0).until_power_flows()
            soak = Soak(broker.port, file, pace)
            began_s = time.monotonic()
            until_s = began_s + minutes * 60.0 / pace
            sending = asyncio.create_task(soak.run(until_s))
            restart_s = began_s + RESTART_EVERY_S / pace
            while time.monotonic() < until_s:
                await asyncio.sleep(0.5)
                if (now_MB := bench.children["daemon"].rss_MB()) is not None:
                    rss_MB.append(now_MB)
                if time.monotonic() >= restart_s:
                    restart_s += RESTART_EVERY_S / pace
                    await broker.stop()
                    await asyncio.sleep(0.2)
                    broker.start()
            await sending
            asked_again = await soak.ask_again()
            await bench.unplug()
            await _until(lambda: bool(heard(file).of("session")))
            lag = (await bench.status.ask({"do": "status"}))["loop_lag"]
            dropped = (await bench.status.ask({"do": "status"}))["site_bus"]["dropped_messages"]
            starts = bench.children["daemon"].starts
        await asyncio.sleep(1.0)
    arrived = heard(file)
    answers = {answer["id"]: answer for answer in arrived.of("answer")}
    numbers = {event["number"] for event in arrived.of("event")}
    settled = rss_MB[int(len(rss_MB) * SETTLED_SHARE) :]
    third = max(1, len(settled) // 3)
    return {
        "seconds": round(time.monotonic() - began_s, 1),
        "messages": soak.sent,
        "broker_restarts": broker.starts - 1,
        "daemon_starts": starts,
        "orders": len(soak.ordered),
        "orders_without_answer": len(set(soak.ordered) - set(answers)),
        "orders_refused": sum(not answer["accepted"] for answer in answers.values()),
        "orders_asked_again": asked_again,
        "messages_dropped": dropped,
        "events": len(numbers),
        "events_missing": max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0,
        "session_records": len({record["transaction_id"] for record in arrived.of("session")}),
        "rss_MB": {
            "first_third": round(sum(settled[:third]) / third, 2),
            "last_third": round(sum(settled[-third:]) / third, 2),
            "max": round(max(rss_MB), 2),
        },
        "daemon_loop_lag": lag,
    }


async def _until(condition: Any) -> None:
    until_s = time.monotonic() + LAST_PATIENCE_S
    while not condition() and time.monotonic() < until_s:
        await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench site-soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of messages and restarts (default 60)")
    parser.add_argument("--compressed", action="store_true", help=f"all of it {COMPRESSION:g} times as fast")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), options.minutes, COMPRESSION if options.compressed else 1.0))
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    lost = figures["orders_without_answer"] or figures["events_missing"] or not figures["session_records"]
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
