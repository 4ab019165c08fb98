"""What came of a run: a verdict for each step, what was seen, what was measured, and the reason in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from hil.record.line import Json
from hil.scenario.condition import SeenValue
from hil.scenario.step import PlannedRun


class ScenarioVerdict(Enum):
    """Of a step or of a whole run."""

    PASSED = "passed"
    FAILED = "failed"
    """The controller did not do what was expected."""
    ERROR = "error"
    """The bench itself was in trouble: nothing is said about the controller."""
    NOT_REACHED = "not reached"
    SKIPPED = "skipped"
    """The run cannot be done on this bench."""


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """A named measurement. `value`: None where it could not be taken. `limit`: for people; empty: there is none."""

    name: str
    value: float | None
    unit: str
    limit: str
    verdict: ScenarioVerdict
    line: int
    evse: int
    from_s: float | None = None
    to_s: float | None = None

    def as_json(self) -> dict[str, Json]:
        """As it stands in `results.json`."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "limit": self.limit,
            "verdict": self.verdict.value,
            "line": self.line,
            "evse": self.evse,
            "from_s": self.from_s,
            "to_s": self.to_s,
        }


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One step of one run. Times are those of the record; None: it was not reached."""

    line: int
    kind: str
    words: str
    evse: int
    id: str = ""
    about: str = ""
    round: str = ""
    """Of a repeated step: «3/10», from the outermost repetition inwards."""
    verdict: ScenarioVerdict = ScenarioVerdict.NOT_REACHED
    began_s: float | None = None
    ended_s: float | None = None
    held_from_s: float | None = None
    """When the expected condition became true."""
    reason: str = ""
    seen: tuple[SeenValue, ...] = ()
    measured: MeasuredValue | None = None

    @property
    def sentence(self) -> str:
        """What the step does or expects, with its kind; some words begin with it."""
        return self.words if self.words.startswith(f"{self.kind} ") else f"{self.kind} {self.words}"

    def as_json(self) -> dict[str, Json]:
        """As it stands in `results.json`."""
        return {
            "line": self.line,
            "kind": self.kind,
            "words": self.words,
            "evse": self.evse,
            "id": self.id,
            "about": self.about,
            "round": self.round,
            "verdict": self.verdict.value,
            "began_s": _rounded(self.began_s),
            "ended_s": _rounded(self.ended_s),
            "held_from_s": _rounded(self.held_from_s),
            "reason": self.reason,
            "seen": [
                {"signal": seen.signal, "evse": seen.evse, "value": seen.value, "since_s": _rounded(seen.since_s)}
                for seen in self.seen
            ],
            "measured": self.measured.as_json() if self.measured else None,
        }


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run. `bench_s`: how long it took on the bench's clock; `seconds`: on this computer's."""

    run: PlannedRun
    verdict: ScenarioVerdict
    reason: str = ""
    line: int = 0
    """Of the step that decided; 0: none did."""
    steps: tuple[StepOutcome, ...] = ()
    bench_s: float = 0.0
    seconds: float = 0.0
    seed: int = 0
    virtual: bool = True
    record_file: str = ""
    """Name of the record's file beside `results.json`; empty: there is none."""
    repeat: str = ""
    """The command that repeats this run."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Versions, bench file: what else a report names."""

    @property
    def measured(self) -> tuple[MeasuredValue, ...]:
        """All measurements, in the order of the steps."""
        return tuple(step.measured for step in self.steps if step.measured is not None)

    @property
    def factor(self) -> float | None:
        """Seconds of the bench in one second of this computer; None: it took no time."""
        return self.bench_s / self.seconds if self.seconds > 0 else None

    def as_json(self) -> dict[str, Json]:
        """As it stands in `results.json`."""
        return {
            "name": self.run.name,
            "file": str(self.run.file),
            "about": self.run.about,
            "tags": list(self.run.tags),
            "needs": dict(self.run.needs),
            "variables": dict(self.run.variables),
            "time_limit_s": self.run.time_limit_s,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "line": self.line,
            "bench_s": round(self.bench_s, 3),
            "seconds": round(self.seconds, 3),
            "virtual": self.virtual,
            "seed": self.seed,
            "record": self.record_file,
            "repeat": self.repeat,
            "facts": dict(self.facts),
            "steps": [step.as_json() for step in self.steps],
        }


def verdict_of(verdicts: Iterable[ScenarioVerdict]) -> ScenarioVerdict:
    """The verdict of several: an error of the bench outweighs a failure, a failure outweighs the rest."""
    found = set(verdicts)
    for verdict in (ScenarioVerdict.ERROR, ScenarioVerdict.FAILED):
        if verdict in found:
            return verdict
    return ScenarioVerdict.SKIPPED if found == {ScenarioVerdict.SKIPPED} else ScenarioVerdict.PASSED


def _rounded(at_s: float | None) -> float | None:
    return None if at_s is None else round(at_s, 6)
