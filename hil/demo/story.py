"""The story: boot, plug in, authorise, cable check, pre-charge, +11 kW, -10 kW, +5 kW, stop, unplug. Measured as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hil.demo.bench import EVSE, IDENTITY, Bench
from hil.simulators.line_socket import Refused

SETTLED_SHARE = 0.02
"""A set-point counts as applied when the plant's own power is within this share of it."""

SETTLE_PATIENCE_S = 20.0
STEP_PATIENCE_S = 120.0


class StoryFailed(RuntimeError):
    """A step did not happen in its time."""


@dataclass(slots=True)
class PhaseTimes:
    """When a part of the story began and ended, seconds since the bench was started."""

    name: str
    start_s: float
    end_s: float


@dataclass(slots=True)
class SetpointSeen:
    """A set-point from its sender to the plant's own measurement."""

    source: str
    requested_W: float
    applied_W: float
    measured_W: float
    latency_ms: float
    explanation: str


@dataclass(slots=True)
class Story:
    """What the telling found."""

    phases: list[PhaseTimes] = field(default_factory=list)
    setpoints: list[SetpointSeen] = field(default_factory=list)
    ready_s: float | None = None
    first_loop_s: float | None = None
    evse: dict[str, Any] = field(default_factory=dict)
    plant_begin: dict[str, Any] = field(default_factory=dict)
    plant_end: dict[str, Any] = field(default_factory=dict)
    rss_MB: dict[str, float | None] = field(default_factory=dict)
    loop_lag: dict[str, Any] = field(default_factory=dict)


class Teller:
    """Tells the story on a bench, at the protocol's pace or at a person's."""

    def __init__(self, bench: Bench, hold_s: float) -> None:
        self._bench = bench
        self._hold_s = hold_s
        self.story = Story()
        self.chapter = "start"
        self.after: dict[str, Callable[[], Awaitable[None]]] = {}
        """Something to do at the end of a phase, by its name."""

    async def tell(self) -> Story:
        """All of it. Raises StoryFailed with what was waited for."""
        bench, story = self._bench, self.story
        await self._phase("boot", self._booted)
        story.ready_s = self._since_start()
        story.plant_begin = await bench.plant_state()
        await self._phase("plug_in", self._plugged_in)
        await self._phase("authorise", self._authorised)
        await self._car_phases()
        await self._phase("charge_11_kW", lambda: self._flow(11_000.0, sender=None))
        await self._phase("discharge_10_kW", lambda: self._flow(-10_000.0, sender="csms"))
        await self._phase("charge_5_kW", lambda: self._flow(5_000.0, sender="csms"))
        story.rss_MB = {name: bench.children[name].rss_MB() for name in ("daemon", "power")}
        story.loop_lag = (await bench.status.ask({"do": "status"}))["loop_lag"]
        await self._phase("stop", self._stopped)
        await self._phase("unplug", bench.unplug)
        await self._until("the last record to be delivered", self._delivered)
        story.plant_end = await bench.plant_state()
        self.chapter = "end"
        return story

    # -- chapters --------------------------------------------------------------------------------------------------

    async def _booted(self) -> None:
        await self._until("BootNotification to be accepted", self._accepted)
        await self._until("the EVSE to be available", self._available)

    async def _accepted(self) -> bool:
        return IDENTITY in self._bench.csms.stations and self._bench.station.boot_status == "Accepted"

    async def _available(self) -> bool:
        return self._bench.station.connectors.get((EVSE, 1)) == "Available"

    async def _plugged_in(self) -> None:
        await self._bench.plug()

        async def seen() -> bool:
            return bool((await self._bench.evse())["plugged"])

        await self._until("the station to see the car", seen)

    async def _authorised(self) -> None:
        await self._bench.token()

        async def started() -> bool:
            return (await self._bench.evse())["transaction"] is not None

        await self._until("the transaction to start", started)

    async def _car_phases(self) -> None:
        """The car's own marks become phases of the report."""
        bench = self._bench
        assert bench.progress is not None
        self.chapter = "cable check and pre-charge"

        async def looping() -> bool:
            if bench.progress is not None and bench.progress.error is not None:
                raise StoryFailed(f"the car gave up: {bench.progress.error}")
            return bench.progress is not None and bench.progress.loops > 0

        await self._until("the first charge loop", looping)
        marks = bench.progress.marks
        order = ["connect", "authorization", "service", "cable_check", "pre_charge", "power_delivery", "transfer"]
        for name, following in zip(order, [*order[1:], "first_loop"], strict=True):
            self.story.phases.append(
                PhaseTimes(name, marks[name] - bench.started_s, marks[following] - bench.started_s)
            )
        self.story.first_loop_s = marks["first_loop"] - marks["connect"]

    async def _flow(self, power_W: float, sender: str | None) -> None:
        bench = self._bench
        before_s = time.monotonic()
        if sender is not None:
            await bench.setpoint(power_W)
        measured_W, applied_s = 0.0, None

        async def settled() -> bool:
            nonlocal measured_W, applied_s
            plant = await bench.plant_state()
            measured_W = plant["power_W"]
            if abs(measured_W - power_W) <= SETTLED_SHARE * abs(power_W):
                applied_s = plant["monotonic_s"]
            return applied_s is not None

        await self._until(f"{power_W / 1000:+g} kW at the plant", settled, SETTLE_PATIENCE_S, pause_s=0.01)
        assert applied_s is not None
        evse = await bench.evse()
        self.story.evse = evse
        self.story.setpoints.append(
            SetpointSeen(
                source=evse["setpoint"]["decided_by"],
                requested_W=power_W,
                applied_W=evse["setpoint"]["power_W"],
                measured_W=measured_W,
                latency_ms=(applied_s - before_s) * 1000,
                explanation=evse["setpoint"]["explanation"],
            )
        )
        await asyncio.sleep(self._hold_s)

    async def _stopped(self) -> None:
        await self._bench.stop_transaction()

        async def ended() -> bool:
            return (await self._bench.evse())["transaction"] is None

        await self._until("the transaction to end", ended)

    async def _delivered(self) -> bool:
        transactions = self._bench.station.transactions.values()
        return any(t.ended and not t.gaps for t in transactions)

    # -- parts -----------------------------------------------------------------------------------------------------

    async def _phase(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        self.chapter = name.replace("_", " ")
        start_s = self._since_start()
        await work()
        self.story.phases.append(PhaseTimes(name, start_s, self._since_start()))
        if name in self.after:
            await self.after[name]()

    async def _until(
        self,
        what: str,
        condition: Callable[[], Awaitable[bool]],
        patience_s: float = STEP_PATIENCE_S,
        pause_s: float = 0.03,
    ) -> None:
        until_s = time.monotonic() + patience_s
        why = ""
        while True:
            try:
                if await condition():
                    return
            except Refused as error:  # a process that is starting again
                why = f" ({error})"
            if time.monotonic() > until_s:
                raise StoryFailed(f"waited {patience_s:.0f} s for {what}{why}")
            await asyncio.sleep(pause_s)

    def _since_start(self) -> float:
        return time.monotonic() - self._bench.started_s
