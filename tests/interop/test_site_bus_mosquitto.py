"""The site bus against Mosquitto: availability, answers, take-over, a broker that dies, records that wait."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import SiteBusSection
from chargepoint.control.last_session import LastSession
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from chargepoint.model.transactions import StopReason
from chargepoint.site.bus import Intervals, SiteBus, SiteView
from chargepoint.site.client import SiteBusClient
from chargepoint.site.desk import EvseAbility, SiteDesk, SiteRules
from chargepoint.site.outbox import SESSION_SPACE, SiteOutbox
from chargepoint.site.topics import Topics
from chargepoint.store.database import Store
from chargepoint.store.rows import Journal, JournalEntry
from tests.unit.site.conftest import EVERYTHING, Station

pytestmark = pytest.mark.interop

ROOT = "site/cp1"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LAST = LastSession("tx-9", "04AABBCC", NOON, NOON, StopReason.LOCAL, "unplugged", 1234.5, 67.8)


class Broker:
    """One Mosquitto, which can be killed and started again at its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.process = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.1):
                return
            subprocess.run(["sleep", "0.02"], check=True)
        raise AssertionError("mosquitto does not listen")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


class Rig:
    """The client of a made-up station."""

    def __init__(self, broker: Broker, folder: Path, **section: Any) -> None:
        self.station = Station()
        self.store = Store.open(folder / "site.sqlite3")
        abilities = {EvseId(1): EvseAbility(True, Interval(-20_000.0, 22_000.0), 1.0, "explained")}
        topics = Topics(ROOT)
        desk = SiteDesk(SiteRules(EVERYTHING, 3600.0, 20.0), self.station, lambda: abilities)
        self.outbox = SiteOutbox(self.store, topics)
        view = SiteView({}, {}, (), "none", "1.2.3", {})
        self.client = SiteBusClient(
            SiteBusSection(
                url=f"mqtt://127.0.0.1:{broker.port}", topic=ROOT, reconnect_min_s=0.05, reconnect_max_s=1.0, **section
            ),
            SiteBus(topics, desk, lambda: view, Intervals(1.0, 60.0)),
            self.outbox,
            self.store,
            SystemClock(),
            logging.getLogger("site-bus"),
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20.0):
            while not condition():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Rig]:
    task = asyncio.create_task(rig.client.run())
    try:
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
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
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


async def test_the_station_says_that_it_is_here_and_that_it_is_gone(broker: Broker, tmp_path: Path) -> None:
    async with running(Rig(broker, tmp_path)), edge(broker, f"{ROOT}/#") as client:
        assert await heard(client, f"{ROOT}/availability") == b"online"
        state = json.loads(await heard(client, f"{ROOT}/station"))
        assert state["firmware_version"] == "1.2.3"
    async with edge(broker, f"{ROOT}/availability") as client:
        assert await heard(client, f"{ROOT}/availability") == b"offline"


async def test_an_order_is_answered_on_its_own_topic_with_its_correlation(broker: Broker, tmp_path: Path) -> None:
    async with running(Rig(broker, tmp_path)) as rig, edge(broker, "edge/answers", f"{ROOT}/answer") as client:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic, properties.CorrelationData = "edge/answers", b"42"
        order = {"id": "a", "do": "setpoint", "evse": 1, "power_W": -8000, "lease_s": 30}
        await client.publish(f"{ROOT}/order", json.dumps(order), qos=1, properties=properties)
        async with asyncio.timeout(20.0):
            message = await anext(aiter(client.messages))
        assert (str(message.topic), message.properties.CorrelationData) == ("edge/answers", b"42")  # type: ignore[union-attr]
        assert isinstance(message.payload, bytes)
        assert json.loads(message.payload)["accepted"] is True
        assert rig.station.taken
        await client.publish(f"{ROOT}/order", b"nonsense", qos=1)
        assert json.loads(await heard(client, f"{ROOT}/answer"))["code"] == "Malformed"


async def test_retained_orders_of_last_year_are_refused(broker: Broker, tmp_path: Path) -> None:
    async with edge(broker, f"{ROOT}/answer") as client:
        order = {"id": "old", "do": "setpoint", "evse": 1, "power_W": -8000, "lease_s": 30}
        await client.publish(f"{ROOT}/order", json.dumps(order), qos=1, retain=True)
        async with running(Rig(broker, tmp_path)) as rig:
            assert json.loads(await heard(client, f"{ROOT}/answer"))["code"] == "Retained"
            assert rig.station.taken == []


async def test_records_and_events_wait_for_a_broker_that_died(broker: Broker, tmp_path: Path) -> None:
    async with running(Rig(broker, tmp_path)) as rig:
        broker.kill()
        await rig.until(lambda: not rig.client.connected)
        await rig.store.commit(*rig.outbox.rows(EvseId(1), LAST), Journal(JournalEntry(NOON, "!", "a fault")))
        assert list(rig.store.kept(SESSION_SPACE)) == ["tx-9"]
        broker.start()
        async with edge(broker, f"{ROOT}/session", f"{ROOT}/event") as client:
            found = {}
            async with asyncio.timeout(20.0):
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    found[str(message.topic)] = json.loads(message.payload)
                    if len(found) == 2:
                        break
        assert found[f"{ROOT}/session"]["imported_Wh"] == 1234.5
        assert found[f"{ROOT}/session"]["token_hint"] == "…BBCC"
        assert found[f"{ROOT}/event"]["text"] == "a fault"
        await rig.until(lambda: not rig.store.kept(SESSION_SPACE) and not rig.outbox.waiting())


async def test_a_second_client_with_the_same_id_is_named_and_not_fought(broker: Broker, tmp_path: Path) -> None:
    """Mosquitto of Debian 12 does not say why it closes; the wait doubles all the same, up to `reconnect_max_s`."""
    async with (
        running(Rig(broker, tmp_path)) as rig,
        aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5, identifier="site-cp1"),
    ):
        await rig.until(lambda: not rig.client.connected)
        assert "(this one: 'site-cp1')" in rig.client.trouble
