"""A bench as a test in Python sees it: the language's steps as calls, and thin views on plant, car and central system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from hil.bench.port import BenchPort
from hil.record.line import STATION, Json, Seer
from hil.record.record import BenchRecord
from hil.scenario.bench_words import BenchWords
from hil.scenario.mistakes import FoundMistakes, ScenarioError, near_misses
from hil.scenario.result import RunResult, ScenarioVerdict, StepOutcome
from hil.scenario.runner import ScenarioRunner
from hil.scenario.step import PlannedRun
from hil.scenario.step_reading import StepReading
from hil.scenario.written import LONGEST_S

NO_BENCH = "there is no bench here: write the test as `async def`, and use the bench inside of it"
CAR_VERBS = ("plug", "unplug", "pull_plug", "leave", "token", "car", "car_plan")
CSMS_VERBS = ("setpoint", "remote_start", "remote_stop", "ocpp", "block_token")
PLANT_VERBS = ("e_stop", "door", "grid")


class BenchView:
    """The bench of a test, with the words of scenarios. Usable inside the test only."""

    def __init__(self, words: BenchWords) -> None:
        self.words = words
        self._port: BenchPort | None = None
        self._runner: ScenarioRunner | None = None
        self._raised: list[StepOutcome] = []
        self._mistakes = FoundMistakes(Path("<test>"), {(): 0})
        self._reading = StepReading(words, self._mistakes)

    def attach(self, port: BenchPort, file: Path = Path("<test>"), name: str = "a test") -> None:
        """From now on this is the bench. `file`, `name`: where the test stands, for its result."""
        self._port = port
        run = PlannedRun(file, name, "", (), {}, {}, LONGEST_S, ())
        self._runner = ScenarioRunner(port, run)

    @property
    def port(self) -> BenchPort:
        """The bench itself. Raises RuntimeError outside of an async test."""
        if self._port is None:
            raise RuntimeError(NO_BENCH)
        return self._port

    @property
    def record(self) -> BenchRecord:
        """Everything seen so far."""
        return self.port.record

    def value(self, signal: str, evse: int = 1) -> Json:
        """The newest value of a signal; None: unknown. Raises LookupError for a signal that nobody has."""
        known = self.words.signals.get(signal)
        if known is None:
            raise LookupError(f"signal {signal!r}: {near_misses(signal, self.words.signals)}")
        return self.record.latest(signal, STATION if known.of_station else evse)

    async def sleep(self, for_s: float) -> None:
        """Let this much time of the bench pass, then look."""
        await self.port.sleep(for_s)
        await self.port.look()

    async def do(self, verb: str, evse: int = 1, **arguments: Json) -> StepOutcome:
        """Perform a verb. Raises AssertionError where the bench refuses it."""
        return await self.step({"do": verb, "with": arguments, **self._at(self.words.verbs, verb, evse)})

    async def inject(self, fault: str, evse: int = 1, **arguments: Json) -> StepOutcome:
        """Cause a fault. Raises AssertionError where the bench refuses it."""
        return await self.step({"inject": fault, "with": arguments, **self._at(self.words.faults, fault, evse)})

    async def heal(self, fault: str, evse: int = 1, **arguments: Json) -> StepOutcome:
        """Take a fault back. Raises AssertionError where the bench refuses it."""
        return await self.step({"heal": fault, "with": arguments, **self._at(self.words.faults, fault, evse)})

    async def expect(
        self, condition: Mapping[str, Any], within_s: float = 0.0, for_s: float = 0.0, evse: int = 1
    ) -> StepOutcome:
        """The condition becomes true within this time, and stays so. Raises AssertionError with the reason."""
        return await self.step({"expect": dict(condition), "within_s": within_s, "for_s": for_s, "evse": evse})

    async def never(self, condition: Mapping[str, Any], for_s: float, evse: int = 1) -> StepOutcome:
        """The condition is not true for this time. Raises AssertionError with the reason."""
        return await self.step({"never": dict(condition), "for_s": for_s, "evse": evse})

    async def step(self, *steps: Mapping[str, Any]) -> StepOutcome:
        """Perform steps of the language as they stand in a file; the outcome of the last one.

        Ids, actions and watches (`never`, `until: end`) of earlier steps still count. Raises ScenarioError for
        mistakes in them, and AssertionError with the reason where one did not pass.
        """
        if self._runner is None:
            raise RuntimeError(NO_BENCH)
        self._mistakes.clear()
        read = self._reading.read([dict(step) for step in steps], ("steps",))
        if self._mistakes.found:
            raise ScenarioError(self._mistakes.sorted())
        outcomes = await self._runner.perform(read)
        self._raise_bad()
        return outcomes[-1]

    async def finish(self) -> None:
        """Judge the watches a last time. Raises AssertionError where one was broken."""
        await self.result()
        self._raise_bad()

    async def result(self) -> RunResult:
        """What came of all steps so far. Raises RuntimeError outside of an async test."""
        if self._runner is None:
            raise RuntimeError(NO_BENCH)
        return await self._runner.finish()

    def _raise_bad(self) -> None:
        """The whole run is judged: a watch of an earlier step may have been broken by this one."""
        assert self._runner is not None
        for outcome in self._runner.outcomes:
            if outcome.verdict in (ScenarioVerdict.FAILED, ScenarioVerdict.ERROR) and outcome not in self._raised:
                self._raised.append(outcome)
                raise AssertionError(outcome.reason)

    def _at(self, known: Mapping[str, Any], name: str, evse: int) -> dict[str, int]:
        word = known.get(name)
        return {} if word is not None and word.of_station else {"evse": evse}


class SeerView:
    """The signals of one seer as attributes, and some verbs as methods: `plant.power_W`, `await car.plug()`."""

    def __init__(self, bench: BenchView, seer: Seer, verbs: tuple[str, ...], evse: int = 1) -> None:
        self._bench = bench
        self._seer = seer
        self._verbs = verbs
        self._evse = evse

    def at(self, evse: int) -> SeerView:
        """The same at another EVSE."""
        return SeerView(self._bench, self._seer, self._verbs, evse)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        signal = self._bench.words.signals.get(name)
        if signal is not None and signal.seer is self._seer:
            return self._bench.value(name, self._evse)
        if name in self._verbs:
            return self._verb(name)
        own = [signal.name for signal in self._bench.words.signals.values() if signal.seer is self._seer]
        raise AttributeError(
            f"{name!r} is no signal or verb of the {self._seer.value}: {near_misses(name, (*own, *self._verbs))}"
        )

    def _verb(self, name: str) -> Callable[..., Awaitable[StepOutcome]]:
        async def perform(**arguments: Json) -> StepOutcome:
            return await self._bench.do(name, self._evse, **arguments)

        return perform
