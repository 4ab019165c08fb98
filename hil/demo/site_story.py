"""The story of the site bus: who decides while one party after another is lost. Measured as it goes.

Home Assistant's discovery is seen. An edge terminal sets -8 kW. The central system is lost, and the edge terminal goes on with +4 kW.
The broker is killed: the lease ends, and the default rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from hil.bench.bench import EVSE, IDENTITY, Bench
from hil.bench.site import SITE_TOPIC
from hil.clock import now_s
from hil.demo.story import SETTLED_SHARE, Story
from hil.simulators.line_socket import Refused
from hil.steering.programme import StoryFailed

SENDER = "edge terminal"
DISCOVERY = "homeassistant/device/+/config"
PATIENCE_S = 60.0
STILL_S = 1.0
"""The default rules when its set-point no longer moves for so long."""


@dataclass(frozen=True, slots=True)
class SiteStep:
    """What was so at the end of one step. Powers in W, positive into the car."""

    name: str
    at_s: float
    """Since the bench was started."""
    took_s: float
    ordered_W: float | None
    """By the edge terminal; None: nothing is ordered."""
    measured_W: float
    """By the plant."""
    setpoint_W: float
    decided_by: str
    explanation: str
    central_system: bool
    """Connected."""
    broker: bool
    """Connected."""


@dataclass(slots=True)
class SiteMeasured:
    """What the story measured."""

    steps: list[SiteStep] = field(default_factory=list)
    devices: dict[str, list[str]] = field(default_factory=dict)
    """Of Home Assistant's discovery: the components of each device, by its name."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    """Of the station to the edge terminal's first order of each power."""
    states: int = 0
    """Messages about the EVSE's state that came."""
    events: list[str] = field(default_factory=list)
    """The journal, as it came over the bus."""


class SiteStory:
    """One story on a bench whose `Choices.mqtt_url` is its own broker. `lease_s` of each order; it is repeated thrice in it."""

    def __init__(self, bench: Bench, lease_s: float) -> None:
        self._bench = bench
        self._lease_s = lease_s
        self._ordered_W: float | None = None
        self._ids = 0
        self._answered: dict[str, float] = {}
        self._kept: set[float] = set()
        self.measured = SiteMeasured()

    async def run(self) -> SiteMeasured:
        """All of it. Raises StoryFailed with what was waited for."""
        bench = self._bench
        talking = asyncio.create_task(self._talk(), name="edge-terminal")
        try:
            await self._step("Home Assistant's discovery", self._discovered)
            await self._step("charge by default", self._charging)
            self._order(-8000.0)
            await self._step("edge terminal: -8 kW", self._follows)
            bench.csms.faults.refuse_connections = True
            await bench.csms.drop(IDENTITY)
            await self._step("central system lost: -8 kW holds", self._central_system_lost)
            self._order(4000.0)
            await self._step("edge terminal goes on: +4 kW", self._follows)
            bench.children["broker"].kill(signal.SIGKILL, restart=False)
            await self._step("broker killed: +4 kW holds for its lease", self._broker_lost)
            self._order(None)
            await self._step("lease over: the default rules", self._default_rules)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            bench.csms.faults.refuse_connections = False
        return self.measured

    # -- the edge terminal -------------------------------------------------------------------------------------------

    def _client(self) -> aiomqtt.Client:
        address = urlsplit(self._bench.choices.mqtt_url or "")
        return aiomqtt.Client(address.hostname or "", address.port or 1883)

    def _order(self, power_W: float | None) -> None:
        self._ordered_W = power_W

    async def _talk(self) -> None:
        """Listen, and repeat the order within its lease; connect again where the broker went away."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with self._client() as client:
                    for topic in (DISCOVERY, f"{SITE_TOPIC}/#"):
                        await client.subscribe(topic, qos=1)
                    repeating = asyncio.create_task(self._repeat(client), name="edge-order")
                    try:
                        await self._listen(client)
                    finally:
                        repeating.cancel()
                        await asyncio.gather(repeating, return_exceptions=True)
            await asyncio.sleep(0.2)

    async def _repeat(self, client: aiomqtt.Client) -> None:
        sent_W: float | None = None
        until_s = 0.0
        while True:
            if self._ordered_W is not None and (self._ordered_W != sent_W or now_s() >= until_s):
                sent_W, until_s = self._ordered_W, now_s() + self._lease_s / 3
                await client.publish(f"{SITE_TOPIC}/order", json.dumps(self._message(sent_W)), qos=1)
            await asyncio.sleep(0.02)

    def _message(self, power_W: float) -> dict[str, Any]:
        self._ids += 1
        self._answered[f"edge-{self._ids}"] = power_W
        order = {"id": f"edge-{self._ids}", "do": "setpoint", "evse": EVSE, "power_W": power_W}
        return {**order, "lease_s": self._lease_s, "sender": SENDER}

    async def _listen(self, client: aiomqtt.Client) -> None:
        measured = self.measured
        async for message in client.messages:
            text = message.payload.decode() if isinstance(message.payload, bytes) else ""
            topic = str(message.topic)
            if topic.endswith("/config"):
                device = json.loads(text)
                measured.devices[device["device"]["name"]] = sorted(device["components"])
            elif topic == f"{SITE_TOPIC}/answer":
                answer = json.loads(text)
                power_W = self._answered.get(answer["id"])
                if power_W is not None and power_W not in self._kept:
                    self._kept.add(power_W)
                    measured.answers.append(answer)
            elif topic == f"{SITE_TOPIC}/event":
                measured.events.append(json.loads(text)["text"])
            elif topic == f"{SITE_TOPIC}/evse/{EVSE}/state":
                measured.states += 1

    # -- what each step waits for --------------------------------------------------------------------------------------

    async def _discovered(self) -> str | None:
        found = len(self.measured.devices)
        return None if found >= 3 else f"{found} devices were discovered"

    async def _charging(self) -> str | None:
        return await self._settled_at(None, ("default",))

    async def _follows(self) -> str | None:
        return await self._settled_at(self._ordered_W, ("site",))

    async def _central_system_lost(self) -> str | None:
        if (await self._status())["ocpp"]["connected"]:
            return "the central system is connected"
        return await self._settled_at(self._ordered_W, ("site",))

    async def _broker_lost(self) -> str | None:
        bus = (await self._status())["site_bus"]
        return "the broker is connected" if bus["connected"] else await self._settled_at(self._ordered_W, ("site",))

    async def _default_rules(self) -> str | None:
        return await self._settled_at(None, ("default",))

    async def _settled_at(self, power_W: float | None, deciders: tuple[str, ...]) -> str | None:
        """What is not yet so; None: all is. `power_W` None: the power that the set-point has, once it moves no more."""
        setpoint = (await self._bench.evse())["setpoint"]
        if setpoint["decided_by"] not in deciders:
            return f"{setpoint['decided_by']} decides: {setpoint['explanation']}"
        if power_W is None:
            power_W = setpoint["power_W"]
            await asyncio.sleep(STILL_S)
            if (await self._bench.evse())["setpoint"]["power_W"] != power_W:
                return "the set-point still moves"
        measured_W = (await self._bench.plant_state())["power_W"]
        if abs(measured_W - power_W) > SETTLED_SHARE * abs(power_W):
            return f"the plant measures {measured_W:.0f} W, not {power_W:.0f} W"
        return None

    # -- parts -------------------------------------------------------------------------------------------------------

    async def _status(self) -> dict[str, Any]:
        return await self._bench.status.ask({"do": "status"})

    async def _step(self, name: str, missing: Callable[[], Awaitable[str | None]]) -> None:
        bench, began_s = self._bench, now_s()
        bench.note(name)
        while True:
            try:
                why = await missing()
            except Refused as error:
                why = str(error)
            if why is None:
                break
            if now_s() - began_s > PATIENCE_S:
                raise StoryFailed(f"{name}: waited {PATIENCE_S:.0f} s; {why}")
            await asyncio.sleep(0.03)
        status = await self._status()
        setpoint = status["evses"][str(EVSE)]["setpoint"]
        ended_s = now_s()
        self.measured.steps.append(
            SiteStep(
                name=name,
                at_s=round(ended_s - bench.started_s, 2),
                took_s=round(ended_s - began_s, 2),
                ordered_W=self._ordered_W,
                measured_W=round((await bench.plant_state())["power_W"]),
                setpoint_W=round(setpoint["power_W"]),
                decided_by=setpoint["decided_by"],
                explanation=setpoint["explanation"],
                central_system=bool(status["ocpp"]["connected"]),
                broker=bool(status["site_bus"]["connected"]),
            )
        )


async def play(bench: Bench, lease_s: float) -> SiteMeasured:
    """Boot, plug in and authorise as in every story; then the story of the site bus. Raises StoryFailed."""
    await Story(bench, 0.0).until_power_flows()
    return await SiteStory(bench, lease_s).run()
