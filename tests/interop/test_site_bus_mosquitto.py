"""The site bus against Mosquitto: availability, answers, take-over, a broker that dies, records that wait."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from chargepoint.model.commands import Contribute, LimitStation
from chargepoint.model.ids import EvseId
from chargepoint.site.outbox import SESSION_SPACE
from chargepoint.store.rows import Journal, JournalEntry
from tests.interop.site_rig import LAST, NOON, ROOT, Broker, Rig, edge, heard, running

pytestmark = pytest.mark.interop


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


async def test_the_station_says_that_it_is_here_and_that_it_is_gone(broker: Broker, tmp_path: Path) -> None:
    async with running(Rig(broker.port, tmp_path)), edge(broker, f"{ROOT}/#") as client:
        assert await heard(client, f"{ROOT}/availability") == b"online"
        state = json.loads(await heard(client, f"{ROOT}/station"))
        assert state["firmware_version"] == "1.2.3"
    async with edge(broker, f"{ROOT}/availability") as client:
        assert await heard(client, f"{ROOT}/availability") == b"offline"


async def test_an_order_is_answered_on_its_own_topic_with_its_correlation(broker: Broker, tmp_path: Path) -> None:
    async with running(Rig(broker.port, tmp_path)) as rig, edge(broker, "edge/answers", f"{ROOT}/answer") as client:
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
        async with running(Rig(broker.port, tmp_path)) as rig:
            assert json.loads(await heard(client, f"{ROOT}/answer"))["code"] == "Retained"
            assert rig.station.taken == []


async def test_records_and_events_wait_for_a_broker_that_died(broker: Broker, tmp_path: Path) -> None:
    async with running(Rig(broker.port, tmp_path)) as rig:
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
        running(Rig(broker.port, tmp_path)) as rig,
        aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5, identifier="site-cp1"),
    ):
        await rig.until(lambda: not rig.client.connected)
        assert "(this one: 'site-cp1')" in rig.client.trouble


async def test_the_edge_terminal_keeps_the_transformer_s_limit_as_a_process(broker: Broker, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hil.simulators.edge_terminal", "--mqtt", f"mqtt://127.0.0.1:{broker.port}"]
    command += ["--topic", ROOT, "--load", "household", "--start-h", "19.5", "--speed", "1", "--interval-s", "0.2"]
    async with running(Rig(broker.port, tmp_path)) as rig:
        terminal = await asyncio.create_subprocess_exec(
            *command, "--transformer-max", "6000", "--balance", stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await rig.until(lambda: any(isinstance(one, Contribute) for one in rig.station.taken))
        finally:
            terminal.kill()
            await terminal.wait()
    assert rig.desk.refused == 0
    assert rig.desk.reading is not None
    limit = next(one.limit for one in rig.station.taken if isinstance(one, LimitStation))
    assert limit is not None
    assert limit.import_max_W == pytest.approx(800.0, abs=20.0)
    contribution = next(one for one in rig.station.taken if isinstance(one, Contribute)).contributions[0]
    assert contribution.target_W == pytest.approx(-5200.0, abs=20.0)


async def test_an_order_soon_after_an_answer_does_not_wait_for_a_late_acknowledgement(
    broker: Broker, tmp_path: Path
) -> None:
    """Mosquitto holds a small packet back until the one before is acknowledged; Linux delays that by 40 ms where nobody asks."""
    waits_s = []
    async with running(Rig(broker.port, tmp_path)) as rig, edge(broker, f"{ROOT}/answer") as client:
        for number in range(60):
            order = {"id": f"o{number}", "do": "setpoint", "evse": 1, "power_W": 1000 + number, "lease_s": 30}
            sent_s = rig.now().monotonic_s
            await client.publish(f"{ROOT}/order", json.dumps(order), qos=0)
            await heard(client, f"{ROOT}/answer")
            waits_s.append(rig.now().monotonic_s - sent_s)
            await asyncio.sleep(0.005)
    assert statistics.median(waits_s) < 0.02
