"""The steps of a scenario as the runner performs them: read, checked, with their variables filled in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hil.record.line import Json
from hil.scenario.condition import RecordCondition
from hil.scenario.value_test import ValueTest, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStep(ABC):
    """What all steps have."""

    line: int
    id: str = ""
    evse: int = 1
    about: str = ""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The key that names it in the file."""

    @abstractmethod
    def words(self) -> str:
        """For people: what the step does or expects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoStep(ScenarioStep):
    """A verb of the bench. `answer`: places in its answer, and the tests of what stands there."""

    verb: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    answer: tuple[tuple[str, ValueTest], ...] = ()
    refused: str | None = None
    """Words that the refusal must contain; empty: any refusal. None: the verb must not be refused."""

    @property
    def kind(self) -> str:
        return "do"

    def words(self) -> str:
        refused = "" if self.refused is None else ", refused" + (f" with «{self.refused}»" if self.refused else "")
        return f"{self.verb}{_listed(self.arguments)}{refused}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStep(ScenarioStep):
    """A fault is caused, or taken back (`heals`)."""

    fault: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    heals: bool = False

    @property
    def kind(self) -> str:
        return "heal" if self.heals else "inject"

    def words(self) -> str:
        return f"{self.fault}{_listed(self.arguments)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectStep(ScenarioStep):
    """The condition becomes true within `within_s` of the step's beginning, and stays true for `for_s`."""

    condition: RecordCondition
    within_s: float = 0.0
    for_s: float = 0.0
    since: str = ""

    @property
    def kind(self) -> str:
        return "expect"

    def words(self) -> str:
        stays = f", and for {text_of(self.for_s)} s" if self.for_s else ""
        return (
            f"{self.condition.words()} {'within ' + text_of(self.within_s) + ' s' if self.within_s else 'now'}{stays}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverStep(ScenarioStep):
    """The condition is not true for `for_s`; None: until the scenario ends, beside the following steps."""

    condition: RecordCondition
    for_s: float | None = None
    since: str = ""

    @property
    def kind(self) -> str:
        return "never"

    def words(self) -> str:
        time = "until the end" if self.for_s is None else f"for {text_of(self.for_s)} s"
        return f"never {self.condition.words()} {time}"


@dataclass(frozen=True, slots=True)
class ActionMoment:
    """When a step last performed this verb, injected or healed this fault: `kind` is do, inject or heal."""

    kind: str
    name: str

    def words(self) -> str:
        return self.name if self.kind != "heal" else f"the end of {self.name}"


@dataclass(frozen=True, slots=True)
class StepMoment:
    """When the step with this id began."""

    id: str

    def words(self) -> str:
        return f"step {self.id}"


@dataclass(frozen=True, slots=True)
class TurnMoment:
    """When the condition became true."""

    condition: RecordCondition

    def words(self) -> str:
        return self.condition.words()


StepMomentOf = ActionMoment | StepMoment | TurnMoment


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureTimeStep(ScenarioStep):
    """The seconds between two moments. `to` is waited for, `within_s` from the step's beginning."""

    name: str
    from_: StepMomentOf
    to: StepMomentOf
    within_s: float
    since: str = ""
    limit: ValueTest | None = None

    @property
    def kind(self) -> str:
        return "measure"

    def words(self) -> str:
        return f"{self.name}, from {self.from_.words()} to {self.to.words()}{_limited(self.limit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSignalStep(ScenarioStep):
    """A statistic of a signal over earlier steps; `over`: ids of the first and the last, None: the step before."""

    name: str
    signal: str
    unit: str
    of_evse: int
    statistic: str
    against: float = 0.0
    over: tuple[str, str] | None = None
    limit: ValueTest | None = None

    @property
    def kind(self) -> str:
        return "measure"

    def words(self) -> str:
        against = f" against {text_of(self.against)}" if self.statistic == "rms_error" else ""
        return f"{self.name}, {self.statistic} of {self.signal}{against}{_limited(self.limit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStep(ScenarioStep):
    """Time passes."""

    for_s: float

    @property
    def kind(self) -> str:
        return "wait_s"

    def words(self) -> str:
        return f"{text_of(self.for_s)} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatStep(ScenarioStep):
    """Steps, several times."""

    times: int
    steps: tuple[ScenarioStep, ...]

    @property
    def kind(self) -> str:
        return "repeat"

    def words(self) -> str:
        return f"{self.times} times"


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run: a scenario with one combination of its matrix."""

    file: Path
    name: str
    """With its combination: `NAME[power_W=5000]`."""
    about: str
    tags: tuple[str, ...]
    needs: Mapping[str, Json]
    """What the scenario needs of the bench, as it stands in the file."""
    variables: Mapping[str, Json]
    time_limit_s: float
    steps: tuple[ScenarioStep, ...]
    virtual_only: str = ""
    realtime_only: str = ""
    """A word that only a bench in virtual (real) time can do; empty: there is none."""


def _listed(arguments: Mapping[str, Json]) -> str:
    """EVSE 1 goes without saying."""
    arguments = {name: value for name, value in arguments.items() if (name, value) != ("evse", 1)}
    return f" ({', '.join(f'{name} {text_of(value)}' for name, value in arguments.items())})" if arguments else ""


def _limited(limit: ValueTest | None) -> str:
    return f": {limit.words()}" if limit else ""
