"""One message to the demo's station over its site bus, as another program would send it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from hil.bench.site import SITE_TOPIC
from hil.simulators.line_socket import Refused

ANSWER_PATIENCE_S = 5.0


class SitePost:
    """Connects for each message. Every method raises Refused where there is no site bus, no broker or no answer."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    def _client(self) -> aiomqtt.Client:
        if self._url is None:
            raise Refused("this demo has no site bus: start it with --mqtt embedded, or with --mqtt mqtt://HOST:PORT")
        address = urlsplit(self._url)
        return aiomqtt.Client(address.hostname or "", address.port or 1883, timeout=ANSWER_PATIENCE_S)

    async def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """The station's answer; an order without `id` gets one that was never used."""
        order = {"id": f"steer-{time.time_ns():x}", **order}
        try:
            async with self._client() as client, asyncio.timeout(ANSWER_PATIENCE_S):
                await client.subscribe(f"{SITE_TOPIC}/answer", qos=1)
                await client.publish(f"{SITE_TOPIC}/order", json.dumps(order), qos=1)
                async for message in client.messages:
                    answer: dict[str, Any] = json.loads(
                        message.payload if isinstance(message.payload, bytes) else b"{}"
                    )
                    # an order that cannot be read has no id in its answer
                    if answer.get("id") in (order["id"], ""):
                        return answer
        except TimeoutError:
            raise Refused(f"the station did not answer within {ANSWER_PATIENCE_S:g} s: is it connected?") from None
        except aiomqtt.MqttError as error:
            raise Refused(f"{self._url}: {error}") from error
        raise Refused(f"{self._url}: the broker closed the connection")

    async def meter(self, value: dict[str, Any]) -> None:
        """A value of the meter at the connection."""
        try:
            async with self._client() as client:
                await client.publish(f"{SITE_TOPIC}/meter", json.dumps(value), qos=1)
        except aiomqtt.MqttError as error:
            raise Refused(f"{self._url}: {error}") from error
