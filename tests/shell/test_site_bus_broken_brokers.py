"""The client of the site bus against brokers that refuse, stay silent or are not there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from chargepoint.model.commands import Contribute
from chargepoint.model.ids import EvseId
from chargepoint.site import client as site_client
from chargepoint.site.outbox import SESSION_SPACE
from tests.interop.site_rig import LAST, ROOT, Rig, running


class MadeUpBroker:
    """Confirms connections. `subscribed`: its reason code for subscriptions. `published`: that for
    session records, while it takes all else; None: it confirms no message.
    """

    def __init__(self, subscribed: int = 1, published: int | None = None) -> None:
        self._subscribed = subscribed
        self._published = published
        self._tasks: set[asyncio.Task[Any]] = set()
        self.connections = 0
        self.packets: list[int] = []
        self.topics: dict[str, int] = {}
        self.port = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[MadeUpBroker]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _packet(reader)
                self.packets.append(kind)
                if kind == 1:
                    writer.write(bytes((0x20, 3, 0, 0, 0)))
                elif kind == 8:
                    writer.write(bytes((0x90, 4, *body[:2], 0, self._subscribed)))
                elif kind == 3:
                    end = 2 + int.from_bytes(body[:2], "big")  # of the topic
                    topic, number = body[2:end].decode(), body[end : end + 2]
                    self.topics[topic] = self.topics.get(topic, 0) + 1
                    if self._published is not None:
                        refused = topic.endswith("/session")
                        writer.write(bytes((0x40, 3, *number, self._published if refused else 0)))
        writer.close()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Kind and content of one MQTT packet."""
    kind = (await reader.readexactly(1))[0] >> 4
    length, shift = 0, 0
    while True:
        part = (await reader.readexactly(1))[0]
        length |= (part & 0x7F) << shift
        shift += 7
        if part < 0x80:
            return kind, await reader.readexactly(length)


async def test_a_refused_subscription_is_named(tmp_path: Path) -> None:
    """Mosquitto's access list never refuses one: it delivers nothing."""
    async with (
        MadeUpBroker(subscribed=0x87).listening() as broker,
        running(Rig(broker.port, tmp_path), connected=False) as rig,
    ):
        await rig.until(lambda: rig.client.trouble != "")
        assert f"the broker refuses to give us {ROOT}/order: Not authorized" in rig.client.trouble


async def test_a_broker_that_never_confirms_is_given_up_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_client, "SEND_TIMEOUT_S", 0.2)
    async with (
        MadeUpBroker(subscribed=1).listening() as broker,
        running(Rig(broker.port, tmp_path), connected=False) as rig,
    ):
        await rig.store.commit(*rig.outbox.rows(EvseId(1), LAST))
        await rig.until(lambda: broker.connections >= 3)
        assert 3 in broker.packets
        assert not rig.client.connected
        assert rig.client.trouble != ""
        assert list(rig.store.kept(SESSION_SPACE)) == ["tx-9"]


async def test_leases_end_while_no_broker_answers(tmp_path: Path) -> None:
    """The station's set-point is shared anew, and pauses end, in the time without a connection."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with running(Rig(nobody.getsockname()[1], tmp_path), connected=False) as rig:
            pause = {"id": "p", "do": "pause", "evse": 1, "lease_s": 1}
            rig.desk.order(json.dumps(pause).encode(), rig.now())
            assert rig.desk.paused(EvseId(1))
            await rig.until(lambda: not rig.desk.paused(EvseId(1)))
            last = rig.station.taken[-1]
            assert isinstance(last, Contribute)
            assert last.contributions == ()


async def test_a_refused_record_stays_in_the_store_and_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(site_client, "REFUSED_AGAIN_S", 0.5)
    with caplog.at_level(logging.WARNING, "site-bus"):
        async with MadeUpBroker(published=0x87).listening() as broker, running(Rig(broker.port, tmp_path)) as rig:
            await rig.store.commit(*rig.outbox.rows(EvseId(1), LAST))
            await rig.until(lambda: broker.topics.get(f"{ROOT}/session", 0) >= 2)
            assert list(rig.store.kept(SESSION_SPACE)) == ["tx-9"]
            assert rig.client.connected
            assert rig.client.trouble == ""
    refusals = [record for record in caplog.records if "the broker refuses site/cp1/session" in record.getMessage()]
    assert len(refusals) == 1


@pytest.mark.parametrize("confirmed", range(1, 4))
async def test_a_client_ends_though_a_confirmation_comes_in_the_same_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confirmed: int
) -> None:
    """`asyncio.wait_for` of Python 3.11 loses such a cancellation, and the library waits with it."""
    seen: list[int] = []
    kept = aiomqtt.Client._on_publish

    def cancel_beside(self: aiomqtt.Client, client: Any, userdata: Any, mid: int, code: Any, properties: Any) -> None:
        kept(self, client, userdata, mid, code, properties)
        seen.append(mid)
        if len(seen) == confirmed:
            running_client.cancel()

    monkeypatch.setattr(aiomqtt.Client, "_on_publish", cancel_beside)
    async with MadeUpBroker(published=0).listening() as broker:
        rig = Rig(broker.port, tmp_path)
        await rig.store.commit(*rig.outbox.rows(EvseId(1), LAST))
        running_client = asyncio.create_task(rig.client.run())
        done, _waiting = await asyncio.wait((running_client,), timeout=15.0)
        assert done, "the client goes on"
        assert running_client.cancelled()
        assert len(seen) >= confirmed
        rig.store.close()


async def test_a_client_ends_though_the_connection_breaks_in_the_same_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's way out then raises its own error in the place of the cancellation."""

    def broken(self: aiomqtt.Client, *_: Any) -> None:
        self._disconnected.set_exception(aiomqtt.MqttError("made up"))

    monkeypatch.setattr(aiomqtt.Client, "_on_disconnect", broken)
    async with MadeUpBroker(published=0).listening() as broker:
        rig = Rig(broker.port, tmp_path)
        running_client = asyncio.create_task(rig.client.run())
        await rig.until(lambda: rig.client.connected)
        running_client.cancel()
        done, _waiting = await asyncio.wait((running_client,), timeout=15.0)
        assert done, "the client goes on"
        assert running_client.cancelled()
        rig.store.close()
