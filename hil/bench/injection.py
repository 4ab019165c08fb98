"""How each fault of the catalogue is caused and taken back on a bench. Raises Refused, or what the bench raises."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from hil.attach.small_disk import SmallDisk
from hil.bench.bench import Bench
from hil.bench.disk_faults import DiskFaults
from hil.bench.relays import relays_of
from hil.bench.tls_faults import TlsFaults
from hil.record.line import Json
from hil.simulators.csms.faults import Faults
from hil.simulators.evcc.mutation import ANY, MUTATIONS
from hil.simulators.line_socket import Refused
from hil.virtual.child import VirtualChild

Arguments = Mapping[str, Json]


class Injection:
    """The faults of one bench. `evse` is the EVSE of the step."""

    def __init__(self, bench: Bench, disks: Sequence[SmallDisk] = ()) -> None:
        """`disks`: those of the controller, where they are the bench's own."""
        self._bench = bench
        self._disks = DiskFaults(disks)
        self._tls = TlsFaults(bench)
        self._misbehaviours: list[dict[str, Json]] = []
        self._others: dict[str, Callable[[Arguments, bool], Awaitable[None]]] = {
            "process.kill": self._kill,
            "process.stop": self._stop,
            "power.cut": self._power_cut,
            "clock.jump": self._clock_jump,
            "computer.suspended": self._suspend,
            "csms.away": self._away,
            "csms.drop": self._drop,
            "csms.drops_on": self._answer("drop_on", lambda a: a["action"]),
            "csms.swallows": self._answer("swallow", lambda a: a["action"]),
            "csms.late": self._answer("late", lambda a: (a["action"], a["by_s"])),
            "csms.refuses": self._answer("error", lambda a: (a["action"], a.get("code", "InternalError"))),
            "csms.babbles": self._answer("garbage", lambda a: (a["action"], a.get("text", "{"))),
            "csms.lies": self._lie,
            "network.csms_cut": self._cut_csms,
            "network.csms_slow": self._slow_csms,
            "car.misbehaves": self._misbehave,
            "exi.mutation": self._mutate,
        }

    async def set(self, fault: str, evse: int, arguments: Arguments, *, on: bool) -> None:
        """Cause it, or take it back. Raises Refused for an id that the catalogue does not have."""
        group, _, name = fault.partition(".")
        if group == "physics":
            value = arguments.get("value", arguments.get("part"))
            request: dict[str, Any] = {"do": "fault", "evse": evse, "name": name, "on": on}
            await self._bench.plant.ask(request if value is None else {**request, "value": value})
        elif group == "sensor":
            await self._bench.plant.ask(
                {"do": "sensor", "evse": evse, "stuck": name == "stuck", "on": on} | dict(arguments)
            )
        elif group == "bus":
            request = {"do": "bus_fault", "bus": arguments["bus"], "kind": name, "on": on}
            request |= {key: arguments[key] for key in ("count", "value") if key in arguments}
            await self._bench.plant.ask(request)
        elif group == "disk":
            self._disks.set(name, on=on)
        elif group == "tls":
            await self._tls.set(name, evse, on=on)
        elif fault == "network.car_cut":
            relays_of(self._bench.relays).cut_car(evse, on=on)
            _heal_later(arguments, on, lambda: relays_of(self._bench.relays).cut_car(evse, on=False))
        elif fault in self._others:
            await self._others[fault](arguments, on)
        else:
            raise Refused(f"fault {fault!r}: no such id; docs/scenario-words.md lists them")

    async def _kill(self, arguments: Arguments, on: bool) -> None:
        if on:
            self._bench.child(str(arguments["what"])).kill(signal.SIGKILL)

    async def _stop(self, arguments: Arguments, on: bool) -> None:
        self._bench.child(str(arguments["what"])).kill(signal.SIGSTOP if on else signal.SIGCONT)

    async def _power_cut(self, arguments: Arguments, on: bool) -> None:
        """Both processes die at once, and come back when the power does."""
        if not on:
            return
        computer, children = self._virtual("power.cut"), self._bench.children
        for_s = float(str(arguments.get("for_s", 5.0)))
        computer.boots += 1
        for name in ("daemon", "power"):
            child = children[name]
            assert isinstance(child, VirtualChild)
            child.down_for(for_s)

    async def _clock_jump(self, arguments: Arguments, on: bool) -> None:
        clock = self._virtual("clock.jump").clock
        clock.ahead_s = clock.ahead_s + float(str(arguments["by_s"])) if on else 0.0

    async def _suspend(self, arguments: Arguments, on: bool) -> None:
        if not on:
            return
        computer, children = self._virtual("computer.suspended"), self._bench.children
        for_s = float(str(arguments.get("for_s", 5.0)))
        for name in ("daemon", "power"):
            children[name].kill(signal.SIGSTOP)
        await asyncio.sleep(for_s)
        computer.suspended_s += for_s
        for name in ("daemon", "power"):
            children[name].kill(signal.SIGCONT)

    async def _away(self, _: Arguments, on: bool) -> None:
        csms = self._bench.csms
        csms.faults.refuse_connections = on
        if on and csms.log(self._bench.identity).socket is not None:
            await csms.drop(self._bench.identity)

    async def _drop(self, _: Arguments, on: bool) -> None:
        if on:
            await self._bench.csms.drop(self._bench.identity)

    async def _cut_csms(self, arguments: Arguments, on: bool) -> None:
        relays = relays_of(self._bench.relays)
        relays.cut_csms(on=on)
        _heal_later(arguments, on, lambda: relays.cut_csms(on=False))

    async def _slow_csms(self, arguments: Arguments, on: bool) -> None:
        relays = relays_of(self._bench.relays)
        bytes_per_s = arguments.get("bytes_per_s")
        relays.slow_csms(
            float(str(arguments.get("latency_s", 0.0))) if on else 0.0,
            float(str(bytes_per_s)) if on and bytes_per_s is not None else None,
        )
        _heal_later(arguments, on, lambda: relays.slow_csms(0.0, None))

    async def _lie(self, arguments: Arguments, on: bool) -> None:
        self._bench.csms.faults.lie = str(arguments["what"]) if on else None

    def _answer(self, field: str, value: Callable[[Arguments], object]) -> Callable[[Arguments, bool], Awaitable[None]]:
        async def change(arguments: Arguments, on: bool) -> None:
            faults: Faults = self._bench.csms.faults
            faults.times = int(str(arguments.get("times", 1))) if on else 1
            setattr(faults, field, value(arguments) if on else None)

        return change

    async def _misbehave(self, arguments: Arguments, on: bool) -> None:
        kept = {key: value for key, value in arguments.items() if key != "text"}
        if "text" in arguments:
            kept["value"] = arguments["text"]
        self._misbehaviours = [one for one in self._misbehaviours if one["what"] != kept["what"]]
        self._let_misbehave(kept, on)

    async def _mutate(self, arguments: Arguments, on: bool) -> None:
        self._misbehaviours = [one for one in self._misbehaviours if one["what"] not in MUTATIONS]
        kept = {key: value for key, value in arguments.items() if key != "how"}
        self._let_misbehave({"seed": random.getrandbits(32), "what": arguments.get("how", ANY), **kept}, on)

    def _let_misbehave(self, kept: dict[str, Json], on: bool) -> None:
        if on:
            self._misbehaviours.append(kept)
        for car in self._bench.cars.values():
            car.misbehave(self._misbehaviours)

    def _virtual(self, fault: str) -> Any:
        if self._bench.computer is None:
            raise Refused(f"{fault}: only on a bench in virtual time: the bench must not do it to this computer")
        return self._bench.computer


def _heal_later(arguments: Arguments, on: bool, heal: Callable[[], None]) -> None:
    """After `for_s`, where the step says so."""
    if on and "for_s" in arguments:
        asyncio.get_running_loop().call_later(float(str(arguments["for_s"])), heal)
