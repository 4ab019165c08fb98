"""A bench that plays a script: what happens when, written down beforehand, and what the scenario's actions add to it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hil.bench.port import NotDone
from hil.record.line import STATION, Json, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.record.signals import SIGNALS
from hil.scenario.bench_words import words_by_name
from hil.scenario.reading import read_text
from hil.scenario.result import RunResult
from hil.scenario.runner import ScenarioRunner
from hil.scenario.step import PlannedRun
from hil.words import Argument, ArgumentType, Word

NUMBER, TEXT = ArgumentType.NUMBER, ArgumentType.TEXT

VERBS = (
    Word("plug", "the plug goes in"),
    Word("unplug", "the plug comes out"),
    Word("token", "a card at the reader", (Argument("value", TEXT, "its uid", required=True),)),
    Word(
        "setpoint",
        "the central system orders a power",
        (
            Argument("power_W", NUMBER, "positive into the car", "W", required=True, least=-50_000, most=50_000),
            Argument("by", TEXT, "who orders", choices=("csms", "site"), default="csms"),
        ),
    ),
    Word("csms.send", "a message of the central system", open_arguments=True, of_station=True),
    Word("clock.jump", "the clock jumps", of_station=True, virtual_only=True),
)
FAULTS = (
    Word("physics.insulation", "it drops", (Argument("ohm", NUMBER, "to earth", "ohm", required=True, least=0),)),
    Word("bus.silence", "a device is silent", realtime_only=True),
)
WORDS = words_by_name(VERBS, FAULTS)
OPENED_BY = "tests.unit.hil.scenario.scripted_bench:open_scripted_bench"


def value(at_s: float, name: str, given: Json, evse: int = 1) -> RecordLine:
    signal = SIGNALS[name]
    return RecordLine(at_s, signal.seer, LineKind.VALUE, name, given, STATION if signal.of_station else evse)


def message(at_s: float, name: str, given: Json = None, evse: int = STATION, seer: Seer = Seer.CSMS) -> RecordLine:
    return RecordLine(at_s, seer, LineKind.MESSAGE, name, given, evse)


Reaction = Callable[[float, Mapping[str, Json]], list[RecordLine]]


@dataclass
class ScriptedBench:
    """Lines come into the record when their time has come. `reactions`: what an action adds, by its name."""

    script: list[RecordLine] = field(default_factory=list)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    answers: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    at_s: float = 0.0
    record: BenchRecord = field(default_factory=BenchRecord)
    acted: list[tuple[str, str, Mapping[str, Json]]] = field(default_factory=list)
    late_s: float = 0.0
    """A line comes into the record so long after its moment."""
    breaks_at_s: float = float("inf")

    @property
    def evses(self) -> tuple[int, ...]:
        return (1, 2)

    @property
    def facts(self) -> Mapping[str, Json]:
        return {"controller": "Scripted 1"}

    def now_s(self) -> float:
        return self.at_s

    async def look(self) -> None:
        if self.at_s >= self.breaks_at_s:
            raise OSError("the wire was cut")
        seen_s = self.at_s - self.late_s
        due = sorted((line for line in self.script if line.at_s <= seen_s), key=lambda line: line.at_s)
        self.script = [line for line in self.script if line.at_s > seen_s]
        self.record.extend(due)
        self.record.known_until(self.at_s)

    async def sleep(self, for_s: float) -> None:
        assert for_s > 0.0
        self.at_s = round(self.at_s + for_s, 9)

    async def do(self, verb: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        self._act("do", verb, arguments)
        return self.answers.get(verb, {})

    async def inject(self, fault: str, arguments: Mapping[str, Json]) -> None:
        self._act("inject", fault, arguments)

    async def heal(self, fault: str, arguments: Mapping[str, Json]) -> None:
        self._act("heal", fault, arguments)

    def _act(self, kind: str, name: str, arguments: Mapping[str, Json]) -> None:
        self.acted.append((kind, name, arguments))
        if name in self.refuses:
            raise NotDone(self.refuses[name])
        if name in self.reactions:
            self.script += self.reactions[name](self.at_s, arguments)


def plan(steps: str, head: str = "") -> PlannedRun:
    """The one run of these steps."""
    text = f"name: Under test\n{head}\nsteps:\n{steps}"
    (run,) = read_text(text, Path("test.yaml"), WORDS).runs()
    return run


async def perform(bench: ScriptedBench, steps: str, head: str = "") -> RunResult:
    return await ScenarioRunner(bench, plan(steps, head)).run()


@contextlib.asynccontextmanager
async def open_scripted_bench(
    needs: Mapping[str, Json], folder: Path, *, virtual: bool, seed: int
) -> AsyncIterator[ScriptedBench]:
    """As `hil.bench.opening:open_bench`: after a plug the contactor closes, and the car's module says how it ends."""
    match needs.get("module"):
        case "refuses":
            raise NotDone("this bench has no such module; choose another")
        case "dies":
            print("the last words", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs":
            signal.pause()
        case "breaks":
            raise OSError("no such wire")
    bench = ScriptedBench(
        [value(0.0, "contactor", "open"), value(0.0, "power_W", float(seed))],
        {
            "plug": lambda at_s, _: [value(at_s + 1.0, "contactor", "closed")],
            "setpoint": lambda at_s, arguments: [value(at_s + 0.5, "power_W", arguments["power_W"])],
        },
    )
    await bench.look()
    yield bench
    if needs.get("module") == "stays open":
        raise OSError("a child did not end")
