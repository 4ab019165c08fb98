"""The shell of the site bus: one connection to the broker, kept up. Decides nothing about the station.

MQTT 5 (or 3.1.1) over TCP or TLS. Every connection begins with a clean session: an order that was sent while the station was away is not obeyed
later. Its sender sees the availability topic. What is sent has QoS 1: answers first, then states, then what the outbox keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from chargepoint.config.schema import SiteBusSection
from chargepoint.model.instant import Instant
from chargepoint.model.unusable import Unusable
from chargepoint.ports import Clock
from chargepoint.security.secret_file import exposed
from chargepoint.site.bus import Message, SiteBus
from chargepoint.site.outbox import SiteOutbox
from chargepoint.site.topics import Topics
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError

PACKET_MAX_BYTES = 65_536
"""The largest packet that the broker may send us. An order has at most 4 KiB."""

INCOMING_MAX = 256
"""Messages that wait inside the daemon; further ones are dropped and counted, and their senders hear nothing."""

ANSWERS_MAX = 256
"""Answers that wait for the broker; while so many wait no order is read."""

SEND_TIMEOUT_S = 10.0
"""A broker that does not confirm a message within this is given up: a new connection is made."""

TURN_S = 0.2
"""How often it is looked for states that are due."""

TAKEN_OVER = 0x8E
"""Reason code of MQTT 5, 4.13: another client connected with the same id."""


CLEAN_START_FIRST_ONLY: Literal[3] = 3
"""What paho takes for «not said» (MQTT_CLEAN_START_FIRST_ONLY): MQTT 3.1.1 has a clean session in its place."""

REFUSED_TOPICS_MAX = 64
"""The log names so many refused topics of one connection; those of response topics are chosen by others."""

REFUSED_AGAIN_S = 60.0
"""After the broker refused a record or an event, it waits so long in the store before it is sent again."""

STEADY_S = 5.0
"""A connection that held so long was good. After a shorter one the wait goes on doubling: two clients of one id must not fight."""


class SiteBusError(Unusable):
    """The configured files cannot be used. The text says which and why."""


class _Incoming(asyncio.Queue[aiomqtt.Message]):
    """Counts what does not fit."""

    dropped = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if self.full():
            self.dropped += 1
            return
        super().put_nowait(item)


class _BrokerClient(aiomqtt.Client):
    """Keeps the broker's reason for refusing the last message, which the library drops."""

    refusal: str | None = None

    def acknowledge_at_once(self) -> None:
        """Send the TCP acknowledgement that Linux would hold back for 40 ms.

        A broker without TCP_NODELAY (Mosquitto's default) waits for it before it sends the next order (RFC 896, RFC 1122 4.2.3.2).
        """
        connection: Any = self._client.socket()
        if connection is not None:
            with contextlib.suppress(OSError):  # a connection that is lost; the library reports that
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def _wait_for(self, fut: Awaitable[Any], timeout: float | None) -> Any:  # noqa: ASYNC109
        """As the library's own, which uses `asyncio.wait_for`: in Python 3.11 that loses a cancellation that comes with the result."""
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if getattr(reason_code, "value", 0) >= 0x80:
            self.refusal = str(reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)


class SiteBusClient:
    """Runs until cancelled. `connected`, `dropped` and `trouble` are for the status."""

    def __init__(
        self,
        section: SiteBusSection,
        bus: SiteBus,
        outbox: SiteOutbox,
        store: Store,
        clock: Clock,
        log: logging.Logger,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Raises SiteBusError where a file of the section cannot be used."""
        self._section = section
        self._bus = bus
        self._outbox = outbox
        self._store = store
        self._clock = clock
        self._log = log
        self._chance = chance
        self._topics = Topics(section.topic)
        self._password = _password(section.password_file)
        self._tls = _tls(section)
        self._answers: asyncio.Queue[Message] = asyncio.Queue(ANSWERS_MAX)
        self._sending = asyncio.Lock()
        self._refused_topics: set[str] = set()
        self._outbox_waits_until_s = 0.0
        self._failures = 0
        self._ending = False
        self._connected_s: float | None = None
        self.connected = False
        self.trouble = ""
        self.dropped = 0
        """Incoming messages that did not fit, since the start."""

    @property
    def refused_orders(self) -> int:
        """Since the start."""
        return self._bus.refused_orders

    async def run(self) -> None:
        """Connect, and connect again; the wait doubles and has a random part, so that stations do not return all at once."""
        self._outbox.start()
        tasks = (
            asyncio.create_task(self._keep_time(), name="site-time"),
            asyncio.create_task(self._stay_connected(), name="site-connection"),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._ending = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_time(self) -> None:
        """Leases end, and the station's set-point is shared anew, also while no broker answers."""
        while True:
            self._bus.keep_time(self._now())
            await asyncio.sleep(TURN_S)

    async def _stay_connected(self) -> None:
        while (
            not self._ending
        ):  # the library's way out of a broken connection raises its own error in the place of a cancellation
            longest = False
            try:
                await self._talk()
            except* (aiomqtt.MqttError, OSError, TimeoutError, ValueError) as group:
                error = _first(group)
                longest = _code(error) == TAKEN_OVER
                self._note_trouble(self._explained(error, taken_over=longest))
            self.connected = False
            await asyncio.sleep(self._wait_s(longest=longest))

    def _wait_s(self, *, longest: bool) -> float:
        section = self._section
        wait_s = section.reconnect_max_s if longest else section.reconnect_min_s * 2.0 ** min(self._failures, 16)
        self._failures += 1
        return float(min(wait_s, section.reconnect_max_s) * (0.5 + 0.5 * self._chance()))

    def _explained(self, error: Exception, *, taken_over: bool) -> str:
        """What happened, for people; also where a broker closes the connection and does not say why."""
        held_s = None if self._connected_s is None else self._clock.monotonic_s() - self._connected_s
        self._connected_s = None
        hint = f"give each station its own [site_bus] client_id or topic (this one: {self._client_id!r})"
        if taken_over:
            return f"another client connected with our id; {hint}"
        why = error.__cause__ if isinstance(error.__cause__, Exception) else error
        text = str(why) or type(why).__name__
        if held_s is not None and held_s < STEADY_S:
            return f"the connection was lost soon after it began ({text}); where another client has our id, {hint}"
        if held_s is not None:
            self._failures = 0
        return f"{text}{_advice(error)}"

    def _note_trouble(self, text: str) -> None:
        """One line when it begins, and when it changes."""
        if text != self.trouble:
            self._log.warning("! site bus: %s", text)
        self.trouble = text

    @property
    def _client_id(self) -> str:
        return self._section.client_id or self._section.topic.replace("/", "-")

    # -- one connection --------------------------------------------------------------------------------------------

    async def _talk(self) -> None:
        address = urlsplit(self._section.url or "")
        new = self._section.mqtt_version == "5"
        properties = None
        if new:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = PACKET_MAX_BYTES
        will = self._bus.will
        quiet = logging.getLogger("site-bus.library")
        quiet.setLevel(logging.ERROR)
        async with _BrokerClient(
            address.hostname or "",
            address.port or (8883 if self._tls is not None else 1883),
            username=self._section.username,
            password=self._password,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if new else aiomqtt.ProtocolVersion.V311,
            clean_session=None if new else True,
            clean_start=True if new else CLEAN_START_FIRST_ONLY,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
            keepalive=self._section.keepalive_s,
            timeout=SEND_TIMEOUT_S,
            queue_type=_Incoming,
            max_queued_incoming_messages=INCOMING_MAX,
            properties=properties,
            tls_context=self._tls,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            logger=quiet,
        ) as client:
            for topic in self._topics.incoming:
                granted = await client.subscribe(topic, qos=1)
                refused = [code for code in granted if getattr(code, "value", code) >= 0x80]
                if refused:
                    raise aiomqtt.MqttError(f"the broker refuses to give us {topic}: {refused[0]}; see its access list")
            while not self._answers.empty():  # those of the connection before: their senders do not wait any more
                self._answers.get_nowait()
            self._refused_topics.clear()
            self._outbox_waits_until_s = 0.0
            for message in self._bus.connected():
                await self._send(client, message)
            self.connected, self._connected_s = True, self._clock.monotonic_s()
            self.trouble = ""
            self._log.info("* site bus: connected to %s as %s", self._section.url, self._client_id)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._receive(client), name="site-receive")
                    group.create_task(self._publish(client), name="site-publish")
                    group.create_task(self._answer(client), name="site-answer")
            finally:
                self.connected = False
                with contextlib.suppress(aiomqtt.MqttError):  # a daemon that ends says so; a lost wire cannot
                    await client.publish(will.topic, will.payload, will.qos, will.retain, timeout=1.0)

    async def _receive(self, client: aiomqtt.Client) -> None:
        waiting = client._queue
        async for message in client.messages:
            properties: Any = message.properties
            incoming = Message(
                str(message.topic),
                bytes(message.payload)
                if isinstance(message.payload, bytes | bytearray)
                else str(message.payload).encode(),
                retain=bool(message.retain),
                response_topic=getattr(properties, "ResponseTopic", None),
                correlation=getattr(properties, "CorrelationData", None),
            )
            answers, line = self._bus.take(incoming, self._now())
            if line is not None:
                self._log.warning("! site bus: %s", line)
            for answer in answers:
                await self._answers.put(answer)
            if isinstance(waiting, _Incoming) and waiting.dropped:
                self.dropped += waiting.dropped
                self._log.warning("! site bus: %d messages dropped, %d waited already", waiting.dropped, INCOMING_MAX)
                waiting.dropped = 0

    async def _answer(self, client: _BrokerClient) -> None:
        while True:
            await self._send(client, await self._answers.get())

    async def _publish(self, client: _BrokerClient) -> None:
        while True:
            for message in self._bus.due(self._now()):
                await self._send(client, message)
            waiting = self._outbox.waiting() if self._clock.monotonic_s() >= self._outbox_waits_until_s else []
            for message, delivered in waiting:
                if not await self._send(client, message):
                    self._outbox_waits_until_s = self._clock.monotonic_s() + REFUSED_AGAIN_S
                    break
                with contextlib.suppress(StoreError):  # it is sent once more, which its receiver can see by its number
                    await self._store.commit(delivered)
            await asyncio.sleep(TURN_S)

    async def _send(self, client: _BrokerClient, message: Message) -> bool:
        """Whether the broker took it. One message at a time, so that a refusal belongs to it."""
        properties = None
        if message.correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = message.correlation
        async with self._sending:
            client.refusal = None
            await client.publish(
                message.topic, message.payload, message.qos, message.retain, properties, timeout=SEND_TIMEOUT_S
            )
            client.acknowledge_at_once()
            refusal = client.refusal
        if refusal is None:
            return True
        if message.topic not in self._refused_topics and len(self._refused_topics) < REFUSED_TOPICS_MAX:
            self._refused_topics.add(message.topic)
            advice = "permit it in the broker's access list"
            self._log.warning("! site bus: the broker refuses %s (%s): %s", message.topic, refusal, advice)
        return False

    def _now(self) -> Instant:
        return Instant(self._clock.monotonic_s(), self._clock.utc())


def _tls(section: SiteBusSection) -> ssl.SSLContext | None:
    if urlsplit(section.url or "").scheme != "mqtts":
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=section.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if section.certificate_file is not None and section.key_file is not None:
            _refuse_readable("key_file", section.key_file)
            context.load_cert_chain(section.certificate_file, section.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SiteBusError(f"[site_bus] ca_file, certificate_file or key_file: {error}") from error
    return context


def _password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        _refuse_readable("password_file", path)
        return path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteBusError(f"[site_bus] password_file: {error}") from error


def _refuse_readable(key: str, path: Path) -> None:
    if (trouble := exposed(path)) is not None:
        raise SiteBusError(f"[site_bus] {key} {path}: {trouble}")


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


_ADVICE: dict[int, str] = {
    4: "; check [site_bus] username and password_file",
    5: "; check [site_bus] username and password_file, and the broker's access list",
    0x84: "; set [site_bus] mqtt_version = '3.1.1'",
    0x86: "; check [site_bus] username and password_file",
    0x87: "; check [site_bus] username and password_file, and the broker's access list",
}
"""By the reason code with which a broker refuses a connection: MQTT 3.1.1, 3.2.2.3, and from 0x80 on MQTT 5, 3.2.2.2."""


def _advice(error: Exception) -> str:
    """What a person may do about it; empty: nothing beyond what the error says."""
    for one in (error, error.__cause__, error.__context__):  # the library hides the cause, Python keeps it
        if isinstance(one, ssl.SSLCertVerificationError):
            return "; [site_bus] ca_file must hold the root of the broker's certificate, and url the name in it"
        if isinstance(one, MqttConnectError):
            return _ADVICE.get(_code(one) or 0, "")
    return ""


def _code(error: Exception) -> int | None:
    """The reason code of MQTT 5 behind an error of the library."""
    for one in (error, error.__cause__):
        code = getattr(one, "rc", None)
        if code is not None:
            return int(getattr(code, "value", code))
    return None
