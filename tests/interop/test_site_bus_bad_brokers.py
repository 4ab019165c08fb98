"""The site bus against Mosquitto with TLS, passwords and access lists, and against brokers that refuse or stay silent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from certs.pki import Curve, Pki
from chargepoint.app.station_status import site_bus_status
from chargepoint.model.commands import Contribute
from chargepoint.model.ids import EvseId
from chargepoint.model.station_status import SiteBusStatus
from chargepoint.site.outbox import SESSION_SPACE
from chargepoint.store.rows import Journal, JournalEntry
from tests.interop.site_rig import LAST, NOON, ROOT, Broker, Rig, edge, heard, running

pytestmark = pytest.mark.interop

ORDER = {"id": "a", "do": "setpoint", "evse": 1, "power_W": -8000, "lease_s": 30}


@contextlib.contextmanager
def broker_with(folder: Path, *lines: str) -> Iterator[Broker]:
    broker = Broker(folder, lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Broker: `csms_chain.pem`, whose names are localhost and 127.0.0.1. Station: `station_chain.pem`."""
    folder = tmp_path_factory.mktemp("pki")
    Pki(Curve.P256).write(folder)
    return folder


def with_tls(folder: Path, pki: Path, *lines: str) -> contextlib.AbstractContextManager[Broker]:
    return broker_with(
        folder,
        f"certfile {pki}/csms_chain.pem",
        f"keyfile {pki}/csms.key",
        f"cafile {pki}/csms_root.pem",
        *lines,
    )


# -- TLS, passwords, access lists ------------------------------------------------------------------------------------


async def test_a_client_certificate_is_the_station_s_user(tmp_path: Path, pki: Path) -> None:
    with with_tls(tmp_path, pki, "require_certificate true", "use_identity_as_username true") as broker:
        section: dict[str, Any] = {"url": f"mqtts://localhost:{broker.port}", "ca_file": pki / "csms_root.pem"}
        own = {"certificate_file": pki / "station_chain.pem", "key_file": pki / "station.key"}
        async with running(Rig(broker.port, tmp_path, **section, **own)) as rig:
            assert site_bus_status(rig.client) == SiteBusStatus(True, "", 0, 0)
        async with running(Rig(broker.port, tmp_path, **section), connected=False) as rig:
            await rig.until(lambda: rig.client.trouble != "")
            assert not rig.client.connected


async def test_a_broker_of_another_root_is_named_with_the_remedy(tmp_path: Path, pki: Path) -> None:
    with with_tls(tmp_path, pki, "allow_anonymous true") as broker:
        section = {"url": f"mqtts://localhost:{broker.port}", "ca_file": pki / "v2g_root.pem"}
        async with running(Rig(broker.port, tmp_path, **section), connected=False) as rig:
            await rig.until(lambda: rig.client.trouble != "")
            assert "certificate verify failed" in rig.client.trouble
            assert "[site_bus] ca_file must hold the root" in rig.client.trouble


def password_file(folder: Path) -> Path:
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "station", "secret"], check=True)
    file.chmod(0o644)
    return file


async def test_the_user_s_password_comes_from_its_file(tmp_path: Path) -> None:
    with broker_with(tmp_path, "allow_anonymous false", f"password_file {password_file(tmp_path)}") as broker:
        own = tmp_path / "site-bus.password"
        own.write_text("secret\n")
        own.chmod(0o600)
        async with running(Rig(broker.port, tmp_path, username="station", password_file=own)):
            pass
        own.write_text("wrong\n")
        async with running(Rig(broker.port, tmp_path, username="station", password_file=own), connected=False) as rig:
            await rig.until(lambda: rig.client.trouble != "")
            assert "check [site_bus] username and password_file" in rig.client.trouble


async def test_what_the_access_list_refuses_is_logged_once_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Mosquitto confirms with reason 0x87 and drops the message: a record must not count as delivered."""
    access = tmp_path / "access"
    everything = "".join(f"topic readwrite {ROOT}/{name}\n" for name in ("availability", "station", "order", "answer"))
    access.write_text(everything)
    access.chmod(0o644)
    with (
        broker_with(tmp_path, "allow_anonymous true", f"acl_file {access}") as broker,
        caplog.at_level(logging.WARNING, "site-bus"),
    ):
        async with running(Rig(broker.port, tmp_path)) as rig:
            await rig.store.commit(*rig.outbox.rows(EvseId(1), LAST), Journal(JournalEntry(NOON, "!", "a fault")))
            await rig.until(lambda: "the broker refuses site/cp1/session" in caplog.text)
            await asyncio.sleep(1.0)  # five turns: the refused record is not sent again at each of them
            assert list(rig.store.kept(SESSION_SPACE)) == ["tx-9"]
            assert len(rig.outbox.waiting()) == 2
            assert rig.client.connected
            lines = [record.getMessage() for record in caplog.records if "refuses" in record.getMessage()]
            assert lines == [
                "! site bus: the broker refuses site/cp1/session (Not authorized): permit it in the broker's access list"
            ]


# -- bad senders -----------------------------------------------------------------------------------------------------


async def test_a_megabyte_does_not_end_the_connection(tmp_path: Path) -> None:
    """The station names its largest packet with the connection; the broker drops what is larger."""
    with broker_with(tmp_path, "allow_anonymous true") as broker:
        async with running(Rig(broker.port, tmp_path)) as rig, edge(broker, f"{ROOT}/answer") as client:
            await client.publish(f"{ROOT}/order", b"[" * 1_000_000, qos=1)
            await client.publish(f"{ROOT}/order", b"[" * 60_000, qos=1)
            assert json.loads(await heard(client, f"{ROOT}/answer"))["code"] == "TooLarge"
            await client.publish(f"{ROOT}/order", json.dumps(ORDER), qos=1)
            assert json.loads(await heard(client, f"{ROOT}/answer"))["accepted"] is True
            assert rig.client.trouble == ""


async def test_ten_thousand_orders_at_once_leave_the_daemon_s_loop_alone(tmp_path: Path) -> None:
    with broker_with(tmp_path, "allow_anonymous true", "max_queued_messages 0") as broker:
        async with running(Rig(broker.port, tmp_path)) as rig, edge(broker) as client:
            lag_s = 0.0

            async def watch() -> None:
                nonlocal lag_s
                while True:
                    before_s = rig.now().monotonic_s
                    await asyncio.sleep(0.01)
                    lag_s = max(lag_s, rig.now().monotonic_s - before_s - 0.01)

            watching = asyncio.create_task(watch())
            for number in range(10_000):
                await client.publish(f"{ROOT}/order", json.dumps({**ORDER, "id": f"f{number}"}), qos=0)
            async with edge(broker, f"{ROOT}/answer") as asker:
                async with asyncio.timeout(60.0):
                    while True:  # until the allowance is back, and the last one is answered
                        await asker.publish(f"{ROOT}/order", json.dumps({**ORDER, "id": "last"}), qos=1)
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(1.0):
                                if await _accepted(asker, "last"):
                                    break
            watching.cancel()
            assert lag_s < 1.0
            assert rig.desk.refused + rig.client.dropped > 5_000
            setpoints = [one for one in rig.station.taken if isinstance(one, Contribute)]
            assert len(setpoints) <= 10_000 - rig.desk.refused - rig.client.dropped + 10


async def _accepted(client: aiomqtt.Client, order_id: str) -> bool:
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        answer = json.loads(message.payload)
        if answer["id"] == order_id:
            return bool(answer["accepted"])
    return False


async def test_two_controllers_that_fight_learn_of_each_other(tmp_path: Path) -> None:
    with broker_with(tmp_path, "allow_anonymous true") as broker:
        async with running(Rig(broker.port, tmp_path)) as rig, edge(broker, f"{ROOT}/answer") as client:
            texts = []
            for number in range(20):
                sender, power_W = (("edge", -8000), ("ems", 5000))[number % 2]
                order = {**ORDER, "id": f"o{number}", "sender": sender, "power_W": power_W}
                await client.publish(f"{ROOT}/order", json.dumps(order), qos=1)
                texts.append(json.loads(await heard(client, f"{ROOT}/answer"))["text"])
            assert "in place of the set-point of edge" in texts[1]
            assert "in place of the set-point of ems" in texts[2]
            taken = [one.contributions[0].target_W for one in rig.station.taken if isinstance(one, Contribute)]
            assert taken == [-8000.0, 5000.0] * 10


async def test_an_order_that_is_delivered_twice_is_done_once(tmp_path: Path) -> None:
    with broker_with(tmp_path, "allow_anonymous true") as broker:
        async with running(Rig(broker.port, tmp_path)) as rig, edge(broker, f"{ROOT}/answer") as client:
            for power_W, code in ((-8000, "Accepted"), (5000, "IdReused"), (-8000, "Accepted")):
                order = {**ORDER, "id": "once", "power_W": power_W}
                await client.publish(f"{ROOT}/order", json.dumps(order), qos=1)
                assert json.loads(await heard(client, f"{ROOT}/answer"))["code"] == code
            taken = [one.contributions[0].target_W for one in rig.station.taken if isinstance(one, Contribute)]
            assert taken == [-8000.0]


# -- a broker that dies again and again ------------------------------------------------------------------------------


@contextlib.contextmanager
def listening_to(command: list[str], file: Path) -> Iterator[None]:
    with file.open("wb") as output, subprocess.Popen(command, stdout=output) as process:
        try:
            yield
        finally:
            process.kill()


async def test_nothing_promised_is_lost_while_the_broker_dies_again_and_again(tmp_path: Path) -> None:
    """Orders at 10/s, a record and an event each 0.2 s, the broker restarted each 2 s: all arrive once or more often.

    An edge terminal repeats an order until it is answered; the station does it once.
    """
    records, orders = 30, 40
    broker = Broker(tmp_path, ("allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/"))
    broker.start()
    heard_file = tmp_path / "heard.txt"
    # of Mosquitto itself: its session outlives its connections, and it confirms only what it has written
    listener = ["mosquitto_sub", "-p", str(broker.port), "-V", "mqttv5", "-i", "edge-listener", "-c", "-x", "3600"]
    listener += [
        "-q",
        "1",
        "-v",
        *(part for name in ("session", "event", "answer") for part in ("-t", f"{ROOT}/{name}")),
    ]

    def found(name: str) -> list[dict[str, Any]]:
        lines = (line.split(" ", 1) for line in heard_file.read_text().splitlines())
        return [json.loads(payload) for topic, payload in lines if topic == f"{ROOT}/{name}"]

    async def send_orders() -> None:
        for number in range(orders):
            while f"o{number}" not in {answer["id"] for answer in found("answer")}:
                order = {**ORDER, "id": f"o{number}", "power_W": 1000 + number}
                with contextlib.suppress(aiomqtt.MqttError, OSError):
                    async with edge(broker) as client:
                        await client.publish(f"{ROOT}/order", json.dumps(order), qos=1, timeout=1.0)
                await asyncio.sleep(0.1)

    async def restart() -> None:
        while True:
            await asyncio.sleep(2.0)
            broker.stop()
            await asyncio.sleep(0.1)
            broker.start()

    with listening_to(listener, heard_file):
        async with running(Rig(broker.port, tmp_path)) as rig:
            await asyncio.sleep(0.5)
            restarting, ordering = asyncio.create_task(restart()), asyncio.create_task(send_orders())
            try:
                for number in range(records):
                    event = Journal(JournalEntry(NOON, "*", f"e{number}"))
                    record = replace(LAST, transaction_id=f"tx-{number}")
                    await rig.store.commit(*rig.outbox.rows(EvseId(1), record), event)
                    await asyncio.sleep(0.2)
                async with asyncio.timeout(60.0):
                    await ordering
                    while rig.store.kept(SESSION_SPACE) or rig.outbox.waiting():
                        await asyncio.sleep(0.05)
                    while len({one["text"] for one in found("event")}) < records:
                        await asyncio.sleep(0.1)
            finally:
                for task in (restarting, ordering):
                    task.cancel()
                await asyncio.gather(restarting, ordering, return_exceptions=True)
                broker.kill()
            taken = [one.contributions[0].target_W for one in rig.station.taken if isinstance(one, Contribute)]
    assert {one["transaction_id"] for one in found("session")} == {f"tx-{number}" for number in range(records)}
    assert {one["text"] for one in found("event")} == {f"e{number}" for number in range(records)}
    assert {one["id"] for one in found("answer") if one["accepted"]} == {f"o{number}" for number in range(orders)}
    assert taken == [1000.0 + number for number in range(orders)]
