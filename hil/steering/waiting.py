"""Waiting for a condition on a live bench: one `expect` of the scenario language, judged by its runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hil.bench.port import BenchPort
from hil.record.line import Json
from hil.scenario.bench_words import BenchWords, words_by_name
from hil.scenario.condition import RecordCondition
from hil.scenario.condition_reading import read_condition
from hil.scenario.mistakes import FoundMistakes
from hil.scenario.result import ScenarioVerdict
from hil.scenario.runner import ScenarioRunner
from hil.scenario.step import ExpectStep, PlannedRun
from hil.simulators.line_socket import Refused

LOOK_ON_S = 0.3
"""After the deadline of a wait: so long the bench is watched, to say how late it came. Sources are up to 0.2 s late."""
SPARE_S = 3600.0


class WaitExpired(Refused):
    """The condition did not hold in time. `seen`: the values of its signals at the deadline."""

    def __init__(self, reason: str, seen: Mapping[str, Json]) -> None:
        super().__init__(reason)
        self.seen = dict(seen)


@dataclass(frozen=True, slots=True)
class WaitMet:
    """When the condition became true, on the clock of the record, and the values of its signals then."""

    at_s: float
    waited_s: float
    seen: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Wait:
    """What is waited for; times in seconds."""

    condition: RecordCondition
    evse: int
    within_s: float
    for_s: float = 0.0
    since_s: float | None = None
    """Messages count from here on; None: from the beginning of the wait."""

    async def run(self, bench: BenchPort, poll_s: float) -> WaitMet:
        """Until it holds. Raises WaitExpired, or Refused where the bench is in trouble."""
        step = ExpectStep(line=0, evse=self.evse, condition=self.condition, within_s=self.within_s, for_s=self.for_s)
        limit_s = self.within_s + self.for_s + SPARE_S
        run = PlannedRun(Path(), "wait", "", (), {}, {}, limit_s, (step,))
        runner = ScenarioRunner(bench, run, poll_s=poll_s, look_on_s=LOOK_ON_S, since_s=self.since_s)
        began_s = bench.now_s()
        (outcome,) = await runner.perform((step,))
        seen = {each.signal: each.value for each in outcome.seen}
        if outcome.verdict is ScenarioVerdict.FAILED:
            raise WaitExpired(outcome.reason, seen)
        if outcome.verdict is not ScenarioVerdict.PASSED or outcome.held_from_s is None:
            raise Refused(outcome.reason)
        return WaitMet(outcome.held_from_s, bench.now_s() - began_s, seen)


def read_wait(arguments: Mapping[str, Json], evse: int) -> Wait:
    """From checked arguments of the verb. Raises Refused with every mistake in the condition."""
    mistakes = FoundMistakes(Path(), {})
    condition = read_condition(arguments.get("for"), evse, ("for",), _words(), mistakes)
    if condition is None:
        raise Refused("; ".join(mistake.text for mistake in mistakes.sorted()))
    since_s = arguments.get("since_s")
    within_s, for_s = (float(str(arguments[name])) for name in ("within_s", "for_s"))
    return Wait(condition, evse, within_s, for_s, None if since_s is None else float(str(since_s)))


@cache
def _words() -> BenchWords:
    """Signals alone: a condition has no verbs and no faults."""
    return words_by_name((), ())
