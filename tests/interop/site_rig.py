"""A Mosquitto under test, and the site bus's client of a made-up station."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import SiteBusSection
from chargepoint.control.last_session import LastSession
from chargepoint.model.ids import EvseId
from chargepoint.model.instant import Instant
from chargepoint.model.limits import Interval
from chargepoint.model.transactions import StopReason
from chargepoint.site.bus import Intervals, SiteBus, SiteView
from chargepoint.site.client import SiteBusClient
from chargepoint.site.desk import EvseAbility, SiteDesk, SiteRules
from chargepoint.site.outbox import SiteOutbox
from chargepoint.site.topics import Topics
from chargepoint.store.database import Store
from tests.unit.site.conftest import EVERYTHING, Station

ROOT = "site/cp1"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LAST = LastSession("tx-9", "04AABBCC", NOON, NOON, StopReason.LOCAL, "unplugged", 1234.5, 67.8)


class Broker:
    """One Mosquitto, which can be killed and started again at its port. `lines`: its configuration beside the listener."""

    def __init__(self, folder: Path, lines: tuple[str, ...] = ("allow_anonymous true",)) -> None:
        self.folder = folder
        self.lines = lines
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join((f"listener {self.port} 127.0.0.1", "user root", *self.lines, "")))
        self.process = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.1):
                return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def stop(self) -> None:
        """In good order: with `persistence true` it keeps what it confirmed."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Rig:
    """The client of a made-up station."""

    def __init__(self, port: int, folder: Path, **section: Any) -> None:
        self.station = Station()
        self.store = Store.open(folder / "site.sqlite3")
        abilities = {EvseId(1): EvseAbility(True, Interval(-20_000.0, 22_000.0), 1.0, "explained")}
        topics = Topics(ROOT)
        self.desk = SiteDesk(SiteRules(EVERYTHING, 3600.0, 20.0), self.station, lambda: abilities)
        self.outbox = SiteOutbox(self.store, topics)
        view = SiteView({}, {}, (), "none", "1.2.3", {})
        self.client = SiteBusClient(
            SiteBusSection(
                **{
                    "url": f"mqtt://127.0.0.1:{port}",
                    "topic": ROOT,
                    "reconnect_min_s": 0.05,
                    "reconnect_max_s": 1.0,
                    **section,
                }
            ),
            SiteBus(topics, self.desk, lambda: view, Intervals(1.0, 60.0)),
            self.outbox,
            self.store,
            SystemClock(),
            logging.getLogger("site-bus"),
        )

    def now(self) -> Instant:
        clock = SystemClock()
        return Instant(clock.monotonic_s(), clock.utc())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20.0):
            while not condition():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(rig: Rig, *, connected: bool = True) -> AsyncIterator[Rig]:
    """`connected` False: no broker is expected to take it."""
    task = asyncio.create_task(rig.client.run())
    try:
        if connected:
            await rig.until(lambda: rig.client.connected)
        yield rig
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        rig.store.close()


@contextlib.asynccontextmanager
async def edge(broker: Broker, *topics: str) -> AsyncIterator[aiomqtt.Client]:
    """An edge terminal that listens to these topics."""
    at_once = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5, socket_options=at_once
    ) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        yield client


async def heard(client: aiomqtt.Client, topic: str) -> bytes:
    async with asyncio.timeout(20.0):
        async for message in client.messages:
            if str(message.topic) == topic:
                assert isinstance(message.payload, bytes)
                return message.payload
    raise AssertionError("unreachable")
