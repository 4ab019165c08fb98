"""A bench without processes for tests of the door: its record is written by the test, its verbs remember what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hil.bench.port import NotDone
from hil.record.line import STATION, Json, LineKind, RecordLine
from hil.record.record import BenchRecord
from hil.record.signals import SIGNALS
from hil.steering.door import SteeringDoor
from hil.steering.programme import Programme


class FakeObserved:
    """Stands for `hil.bench.observed_bench.ObservedBench`; `began_s` is the loop's time at its construction."""

    def __init__(self, bench: SimpleNamespace, evses: tuple[int, ...] = (1, 2)) -> None:
        self.bench = bench
        self.evses = evses
        self.record = BenchRecord()
        self.done: list[tuple[str, dict[str, Json]]] = []
        self.refuses: dict[str, str] = {}
        self.takes_s: dict[str, float] = {}
        self.looks = 0
        self.broken: Exception | None = None
        self.injected: tuple[tuple[str, dict[str, Json]], ...] = ()
        self._began_s: float | None = None

    def now_s(self) -> float:
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now_s
        return now_s - self._began_s

    def want_station(self) -> None:
        pass

    async def look(self) -> None:
        self.looks += 1
        await asyncio.sleep(0)
        if self.broken is not None:
            raise self.broken
        self.record.known_until(self.now_s())

    async def do(self, verb: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        await asyncio.sleep(self.takes_s.get(verb, 0.0))
        if verb in self.refuses:
            raise NotDone(self.refuses[verb])
        self.done.append((verb, dict(arguments)))
        return {}

    async def inject(self, fault: str, arguments: Mapping[str, Json]) -> None:
        self.done.append((f"inject {fault}", dict(arguments)))

    async def heal(self, fault: str, arguments: Mapping[str, Json]) -> None:
        self.done.append((f"heal {fault}", dict(arguments)))

    def sees(self, name: str, value: Json, evse: int = 1, at_s: float | None = None) -> None:
        """A signal takes a value, now or then."""
        signal = SIGNALS[name]
        when_s = self.now_s() if at_s is None else at_s
        whose = STATION if signal.of_station else evse
        self.record.add(RecordLine(when_s, signal.seer, LineKind.VALUE, name, value, whose))


class FakeSocket:
    """Stands for a line socket: answers by verb."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        return {"ok": True, **self.answers.get(request["do"], {})}


def evse_picture(stage: str = "OFF", **more: Any) -> dict[str, Any]:
    """What the daemon's status has of an EVSE."""
    picture = {"image": {"stage": stage, "faults": {}}, "transaction": None, "plugged": False, "status": "Available"}
    return {**picture, "obstacle": None, **more}


def fake_door(programme: Programme | None = None, **evse: Any) -> tuple[SteeringDoor, FakeObserved]:
    """A door of a bench with two EVSEs, and what it looks at."""
    picture = evse_picture(**evse)

    async def evse_of(number: int) -> dict[str, Any]:
        return picture

    notes: list[str] = []
    car = SimpleNamespace(progress=None, exchange=None)
    bench = SimpleNamespace(
        cars={1: car, 2: car},
        choices=SimpleNamespace(csms_url=None, mqtt_url=None, folder=Path(".")),
        sees_status=True,
        evse=evse_of,
        children={},
        identity="CP",
        csms=SimpleNamespace(stations={}),
        plant=FakeSocket({"help": {"faults": {}, "bus_faults": {}}, "state": {"evses": {}}}),
        status=FakeSocket({"status": {"evses": {"1": picture, "2": picture}}}),
        notes=notes,
        noted=0,
        note=notes.append,
    )
    observed = FakeObserved(bench)
    return SteeringDoor(bench, programme, observed), observed  # type: ignore[arg-type]
