"""The story: boot, plug in, authorise, cable check, pre-charge, +11 kW, -10 kW, +5 kW, stop, unplug. Measured as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hil.bench.bench import EVSE, IDENTITY, Bench
from hil.bench.changes import ending, fault_sentences, refusal
from hil.clock import now_s
from hil.simulators.line_socket import Refused
from hil.steering.programme import Position, StoryFailed

SETTLED_SHARE = 0.02
"""A set-point counts as applied when the plant's own power is within this share of it."""

SETTLE_PATIENCE_S = 20.0
STEP_PATIENCE_S = 120.0
HOLD_LOOK_S = 0.5
FAULT_PATIENCE_S = 10.0
"""At a start devices count as silent until each has answered once; a fault that stays longer is a real one."""


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
class Measured:
    """What the story measured; `hil.demo.report` makes the report of it."""

    phases: list[PhaseTimes] = field(default_factory=list)
    setpoints: list[SetpointSeen] = field(default_factory=list)
    ready_s: float | None = None
    first_loop_s: float | None = None
    evse: dict[str, Any] = field(default_factory=dict)
    plant_begin: dict[str, Any] = field(default_factory=dict)
    plant_end: dict[str, Any] = field(default_factory=dict)
    rss_MB: dict[str, float | None] = field(default_factory=dict)
    loop_lag: dict[str, Any] = field(default_factory=dict)
    power_process: dict[str, Any] | None = None
    """How punctual the power process was, and whether it had real-time rights."""


class Story:
    """One story on a bench, at the protocol's pace or at a person's (`hold_s` at each set-point)."""

    def __init__(self, bench: Bench, hold_s: float) -> None:
        self._bench = bench
        self._hold_s = hold_s
        self.measured = Measured()
        choices = bench.choices
        self._discharges = choices.car is None and not (choices.ac and choices.control_mode == "scheduled")
        """An AC car in Scheduled mode gives power only where its own plan has it: a set-point alone changes no plan. A car of the
        road gives none at all."""
        self.position = Position(total=9 if self._discharges else 8)
        self.outcome = "the end"
        self.after: dict[str, Callable[[], Awaitable[None]]] = {}
        """Something to do at the end of a phase, by its name."""

    async def run(self) -> Measured:
        """All of it, from whatever state the bench is in. Raises StoryFailed with what was waited for."""
        bench, measured = self._bench, self.measured
        await self.until_power_flows()
        following = "-10 kW" if self._discharges else "+5 kW"
        await self._step("charge_11_kW", lambda: self._flow(11_000.0, following, by_csms=False))
        if self._discharges:
            await self._step("discharge_10_kW", lambda: self._flow(-10_000.0, "+5 kW", by_csms=True))
        await self._step("charge_5_kW", lambda: self._flow(5_000.0, "stop", by_csms=True))
        measured.rss_MB = {name: child.rss_MB() for name, child in bench.children.items() if name != "plant"}
        status = await bench.status.ask({"do": "status"})
        measured.loop_lag, measured.power_process = status["loop_lag"], status["power_process"]
        await self._step("stop", self._stopped)
        await self._step("unplug", bench.unplug)
        await self._until("the last record to be delivered", self._delivered)
        measured.plant_end = await bench.plant_state()
        return measured

    async def until_power_flows(self) -> None:
        """The first part of the story: boot, plug in, authorise, and on to the first charge loop."""
        bench, measured = self._bench, self.measured
        await self._clear_the_bench()
        await self._step("boot", self._booted)
        measured.ready_s = self._since_start()
        measured.plant_begin = await bench.plant_state()
        await self._step("plug_in", self._plugged_in)
        await self._step("authorise", self._authorised)
        await self._car_phases()

    # -- steps -----------------------------------------------------------------------------------------------------

    async def _clear_the_bench(self) -> None:
        """A story before this one may have left a fault, a transaction or a car plugged in."""
        bench, until_s = self._bench, now_s() + FAULT_PATIENCE_S
        while faults := fault_sentences(await bench.evse()):
            if now_s() > until_s:
                raise StoryFailed(f'a fault is on: {"; ".join(faults.values())}; mend it, then send {{"do": "reset"}}')
            await asyncio.sleep(0.1)
        if (await bench.plant_state())["plugged"]:
            if (await bench.evse())["transaction"] is not None:
                await self._stopped()
            await bench.unplug()

    async def _booted(self) -> None:
        await self._until("BootNotification to be accepted", self._accepted)
        await self._until("the EVSE to be available", self._available)

    async def _accepted(self) -> bool:
        return IDENTITY in self._bench.csms.stations and self._bench.station.boot_status == "Accepted"

    async def _available(self) -> bool:
        if self._bench.station.connectors.get((EVSE, 1)) == "Available":
            return True
        if faults := fault_sentences(await self._bench.evse()):
            raise Refused("; ".join(faults.values()))
        return False

    async def _plugged_in(self) -> None:
        await self._bench.plug()

        async def seen() -> bool:
            return bool((await self._bench.evse())["plugged"])

        await self._until("the station to see the car", seen)

    async def _authorised(self) -> None:
        """By a card, or by the car's contract where its plan says so: a card that comes first would pay."""
        if self._bench.own_car().plan.authorization != "PnC":
            await self._bench.token()

        async def started() -> bool:
            evse = await self._bench.evse()
            if evse["permission"] == "refused":
                raise StoryFailed(refusal(evse))
            return evse["transaction"] is not None

        await self._until("the transaction to start", started)

    async def _car_phases(self) -> None:
        """The car's own marks become phases of the report."""
        bench = self._bench
        self._begin("close the contactor" if bench.choices.ac else "cable check and pre-charge")

        async def looping() -> bool:
            progress = bench.progress
            if progress is not None and progress.error is not None:
                station = f"; the station: {why}" if (why := ending(await bench.evse())) else ""
                raise StoryFailed(f"the car gave up: {progress.error}{station}")
            return progress is not None and progress.loops > 0

        await self._until("the first charge loop", looping)
        assert bench.progress is not None
        marks = bench.progress.marks
        order = ["connect", "authorization", "service", "cable_check", "pre_charge", "power_delivery", "transfer"]
        order = [name for name in order if name in marks]  # AC: no cable check, no pre-charge
        for name, following in zip(order, [*order[1:], "first_loop"], strict=True):
            self.measured.phases.append(
                PhaseTimes(name, marks[name] - bench.started_s, marks[following] - bench.started_s)
            )
        self.measured.first_loop_s = marks["first_loop"] - marks["connect"]

    async def _flow(self, power_W: float, following: str, *, by_csms: bool) -> None:
        bench = self._bench
        before_s = now_s()
        if by_csms:
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
        self.measured.evse = evse
        self.measured.setpoints.append(
            SetpointSeen(
                source=evse["setpoint"]["decided_by"],
                requested_W=power_W,
                applied_W=evse["setpoint"]["power_W"],
                measured_W=measured_W,
                latency_ms=(applied_s - before_s) * 1000,
                explanation=evse["setpoint"]["explanation"],
            )
        )
        await self._hold(following)

    async def _hold(self, following: str) -> None:
        """Let power flow for a while. Raises StoryFailed as soon as the transaction is over: nothing flows any more."""
        until_s = now_s() + self._hold_s
        self.position.next, self.position.next_at_s = following, until_s
        while (left_s := until_s - now_s()) > 0:
            await asyncio.sleep(min(HOLD_LOOK_S, left_s))
            with contextlib.suppress(Refused):  # a process that is starting again
                evse = await self._bench.evse()
                if evse["transaction"] is None:
                    raise StoryFailed(f"the transaction ended early: {ending(evse) or 'see the notes above'}")

    async def _stopped(self) -> None:
        await self._bench.stop_transaction()

        async def ended() -> bool:
            return (await self._bench.evse())["transaction"] is None

        await self._until("the transaction to end", ended)

    async def _delivered(self) -> bool:
        last = list(self._bench.station.transactions.values())[-1:]
        return any(t.ended and not t.gaps for t in last)

    # -- parts -----------------------------------------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        position = self.position
        position.number, position.name, position.next_at_s = position.number + 1, name, None
        self._bench.note(position.words(now_s()))

    async def _step(self, phase: str, work: Callable[[], Awaitable[object]]) -> None:
        self._begin(phase.replace("_", " "))
        start_s = self._since_start()
        await work()
        self.measured.phases.append(PhaseTimes(phase, start_s, self._since_start()))
        if phase in self.after:
            await self.after[phase]()

    async def _until(
        self,
        what: str,
        condition: Callable[[], Awaitable[bool]],
        patience_s: float = STEP_PATIENCE_S,
        pause_s: float = 0.03,
    ) -> None:
        until_s = now_s() + patience_s
        why = ""
        while True:
            try:
                if await condition():
                    return
            except Refused as error:  # a process that is starting again
                why = f" ({error})"
            if now_s() > until_s:
                raise StoryFailed(f"waited {patience_s:.0f} s for {what}{why}")
            await asyncio.sleep(pause_s)

    def _since_start(self) -> float:
        return now_s() - self._bench.started_s
