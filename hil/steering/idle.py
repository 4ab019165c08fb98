"""The whole bench back to idle: as it was when it was opened. What cannot be brought back is reported, not passed over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from hil.bench.bench import Bench
from hil.bench.changes import fault_sentences
from hil.bench.observed_bench import ObservedBench
from hil.bench.own_car import OwnCar
from hil.bench.port import NotDone
from hil.clock import now_s
from hil.simulators.csms import CallError, Faults
from hil.simulators.line_socket import Refused

UNPLUG_S = 6.0
"""The car gets so long to end its session; then the plug is pulled by force."""
IDLE_S = 20.0
"""After the plug is out: so long until the station is without transaction, fault and obstacle."""
LOOK_S = 0.1
_BODY = ("soc_percent", "capacity_Wh")
_BODY_DC = (("voltage_max_V", "car_voltage_max_V"), ("voltage_min_V", "car_voltage_min_V"))
_GRID = (("frequency_Hz", "grid_frequency_Hz"), ("voltage_V", "grid_voltage_V"))
_Troubles = (NotDone, Refused, CallError, LookupError, OSError)


@dataclass(slots=True)
class IdleBench:
    """Knows how the bench was at its beginning, from `remember` on, and brings it there."""

    observed: ObservedBench
    _bodies: dict[int, dict[str, Any]] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def _bench(self) -> Bench:
        return self.observed.bench

    async def remember(self) -> None:
        """The bodies of the cars, the grid, the cards that are known. The first call counts."""
        bench = self._bench
        if self._bodies:
            return
        for evse in bench.cars:
            with contextlib.suppress(Refused):  # a real car has no body on the plant
                self._bodies[evse] = await bench.plant_state(evse)
        if bench.choices.csms_url is None:
            self._tokens = dict(bench.csms.tokens)

    async def restore(self) -> list[str]:
        """Everything back. What did not come back, each as a sentence; nothing: the bench is idle."""
        bench, left = self._bench, list[str]()
        for fault, arguments in self.observed.injected:
            await _try(self.observed.heal(fault, arguments), f"fault {fault}", left)
        for evse in bench.cars:
            await _try(self._inputs(evse), f"EVSE {evse}: inputs and grid", left)
        if bench.choices.csms_url is None:
            bench.csms.faults = Faults()
            bench.csms.tokens.clear()
            bench.csms.tokens.update(self._tokens)
        await asyncio.gather(*(_try(self._unplugged(evse), f"EVSE {evse}: plug", left) for evse in bench.cars))
        for evse, car in bench.cars.items():
            if isinstance(car, OwnCar):
                car.begin_again()
            await _try(self._body(evse), f"EVSE {evse}: the car's battery", left)
        if bench.sees_status:  # first, as a station that starts again is to be waited for
            await asyncio.gather(*(self._settle(evse, left) for evse in bench.cars))
            await _try(bench.status.ask({"do": "limit"}), "limit of the station", left)
        if bench.choices.csms_url is None:
            await _try(self._no_profiles(), "charging profiles", left)
        bench.note("bench is idle" if not left else f"bench is not idle: {'; '.join(left)}")
        return left

    async def _inputs(self, evse: int) -> None:
        plant, before = self._bench.plant, self._bodies.get(evse, {})
        await plant.ask({"do": "estop", "evse": evse, "on": False})
        await plant.ask({"do": "door", "evse": evse, "open": False})
        grid = {name: before[shown] for name, shown in _GRID if shown in before}
        await plant.ask({"do": "grid", "evse": evse, **grid, "others_W": 0.0})

    async def _unplugged(self, evse: int) -> None:
        bench = self._bench
        if not (await bench.plant_state(evse))["plugged"]:
            await bench.cars[evse].forget()
            return
        try:
            await bench.unplug(evse, patience_s=UNPLUG_S)
        except Refused:
            await bench.pull_plug(evse)
            await bench.cars[evse].forget()

    async def _body(self, evse: int) -> None:
        before = self._bodies.get(evse)
        if before is None:
            return
        body: dict[str, Any] = {name: before[name] for name in _BODY if name in before}
        body |= {name: before[shown] for name, shown in _BODY_DC if shown in before}
        if "battery_degC" in before:
            body |= {"battery_degC": before["battery_degC"], "managed": False}
        await self._bench.plant.ask({"do": "car", "evse": evse, **body})

    async def _no_profiles(self) -> None:
        """Accepted: some were there. Unknown: none was."""
        answer = await self._bench.csms.call(self._bench.identity, "ClearChargingProfile", {})
        if answer.get("status") not in ("Accepted", "Unknown"):
            raise Refused(f"the station answered ClearChargingProfile with {answer}")

    def _offline(self) -> str:
        """The station is not connected to the bench's own central system; empty: it is."""
        bench = self._bench
        if bench.choices.csms_url is not None or bench.csms.log(bench.identity).socket is not None:
            return ""
        return "the station is not connected to the central system"

    async def _settle(self, evse: int, left: list[str]) -> None:
        """Latches let go, no transaction any more, ready for a car."""
        bench, until_s = self._bench, now_s() + IDLE_S
        stopped = False
        while True:
            try:
                picture = await bench.evse(evse)
                missing = _missing(picture) or self._offline()
                if not missing:
                    return
                if fault_sentences(picture):
                    await bench.status.ask({"do": "reset", "evse": evse})
                elif picture["transaction"] is not None and not stopped and bench.choices.csms_url is None:
                    stopped = True
                    running = bench.running(evse)
                    await bench.csms.call(bench.identity, "RequestStopTransaction", {"transactionId": running})
            except _Troubles as error:
                missing = str(error)
            if now_s() > until_s:
                left.append(f"EVSE {evse}: {missing}")
                return
            await asyncio.sleep(LOOK_S)


def _missing(evse: dict[str, Any]) -> str:
    """What keeps this EVSE from being idle; empty: nothing."""
    if evse["image"] is None:
        return "the power process does not report"
    if faults := fault_sentences(evse):
        return "; ".join(faults.values())
    if evse["transaction"] is not None:
        return f"transaction {evse['transaction']['id']} still runs"
    if evse.get("obstacle"):
        return str(evse["obstacle"])
    if evse["plugged"]:
        return "the station still sees a plugged car"
    if evse["status"] != "Available":
        return f"the connector is {evse['status']}"
    return ""


async def _try(work: Awaitable[object], what: str, left: list[str]) -> None:
    try:
        await work
    except _Troubles as error:
        left.append(f"{what}: {error}")
