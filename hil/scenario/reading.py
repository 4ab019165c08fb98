"""Reading a scenario file: its runs, or every mistake in it at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hil.record.line import Json
from hil.scenario.bench_words import BenchWords
from hil.scenario.mistakes import FoundMistakes, ScenarioError, ScenarioMistake
from hil.scenario.step import PlannedRun, ScenarioStep
from hil.scenario.step_reading import StepReading
from hil.scenario.value_test import text_of
from hil.scenario.variables import COMBINATIONS_MAX, Substitution, combinations
from hil.scenario.written import WrittenScenario
from hil.scenario.yaml_lines import BrokenYaml, read_yaml

_NAME = re.compile(r"[A-Za-z_]\w*")
_AS_WRITTEN = ("name", "tags", "variables", "matrix")
"""Keys in which `$` is only a dollar sign."""


@dataclass(frozen=True, slots=True)
class ScenarioFindings:
    """What stands in one file: its runs where there is no mistake."""

    file: Path
    mistakes: tuple[ScenarioMistake, ...]
    _runs: tuple[PlannedRun, ...] = ()

    def runs(self) -> tuple[PlannedRun, ...]:
        """One run for each combination of the matrix. Raises ScenarioError where there is a mistake."""
        if self.mistakes:
            raise ScenarioError(self.mistakes)
        return self._runs


def read_scenario(file: Path, words: BenchWords) -> ScenarioFindings:
    """Read and check one file. Raises nothing."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return ScenarioFindings(
            file, (ScenarioMistake(file, 1, f"cannot be read: {reason}; name a YAML file in UTF-8"),)
        )
    return read_text(text, file, words)


def read_text(text: str, file: Path, words: BenchWords) -> ScenarioFindings:
    """As `read_scenario`, from text; `file` is for the messages."""
    try:
        document = read_yaml(text)
    except BrokenYaml as error:
        return ScenarioFindings(file, (ScenarioMistake(file, error.line, f"{error.problem}; {error.remedy}"),))
    mistakes = FoundMistakes(file, document.lines)
    if not isinstance(document.value, dict):
        mistakes.add((), "a scenario is a mapping", "begin with name: and steps:")
        return ScenarioFindings(file, mistakes.sorted())
    runs = _runs(document.value, mistakes, words)
    return ScenarioFindings(file, mistakes.sorted(), tuple(runs))


def _runs(raw: dict[str, Json], mistakes: FoundMistakes, words: BenchWords) -> list[PlannedRun]:
    variables = _names(raw.get("variables"), "variables", mistakes)
    matrix = {
        name: values
        for name, values in _names(raw.get("matrix"), "matrix", mistakes).items()
        if isinstance(values, list) and _is_list_of_choices(name, values, mistakes)
    }
    choices = 1
    for values in matrix.values():
        choices *= len(values)
    if choices > COMBINATIONS_MAX:
        mistakes.add(("matrix",), f"{choices} combinations, at most {COMBINATIONS_MAX}", "make several scenarios")
        matrix = {name: values[:1] for name, values in matrix.items()}
    found: list[PlannedRun] = []
    used: set[str] = set()
    for chosen in combinations(matrix):
        substitution = Substitution(variables | chosen, mistakes)
        filled = {key: value if key in _AS_WRITTEN else substitution.of(value, (key,)) for key, value in raw.items()}
        used |= substitution.used
        run = _run(filled, chosen, variables | chosen, mistakes, words)
        if run is not None:
            found.append(run)
    for key, names in (("variables", variables), ("matrix", matrix)):
        for name in names:
            if name not in used:
                mistakes.add((key, name), "is used nowhere", f"write ${name} where it belongs, or remove it")
    return found


def _names(raw: Json, key: str, mistakes: FoundMistakes) -> dict[str, Json]:
    found = {}
    for name, value in raw.items() if isinstance(raw, dict) else ():
        if _NAME.fullmatch(name):
            found[name] = value
        else:
            mistakes.add((key, name), "no name of a variable", "use letters, digits and _, a letter first")
    return found


def _is_list_of_choices(name: str, values: list[Json], mistakes: FoundMistakes) -> bool:
    if not values:
        mistakes.add(("matrix", name), "= []: nothing to choose from", "write at least one value")
    for place, value in enumerate(values):
        if any(other is value or (type(other) is type(value) and other == value) for other in values[:place]):
            mistakes.add(("matrix", name), f"has {value!r} twice: two runs would have one name", "leave one out")
    return bool(values)


def _run(
    filled: dict[str, Json],
    chosen: Mapping[str, Json],
    variables: Mapping[str, Json],
    mistakes: FoundMistakes,
    words: BenchWords,
) -> PlannedRun | None:
    try:
        written: WrittenScenario | None = WrittenScenario.model_validate(filled)
    except ValidationError as error:
        mistakes.from_schema((), error, WrittenScenario)
        written = None
    reading = StepReading(words, mistakes, _evses(filled.get("bench", {}), mistakes, words))
    steps: tuple[ScenarioStep, ...] = reading.read(filled.get("steps"), ("steps",))
    if written is None:
        return None
    name = written.name
    if chosen:
        name += "[" + ",".join(f"{key}={text_of(value)}" for key, value in chosen.items()) + "]"
    return PlannedRun(
        mistakes.file,
        name,
        written.about,
        tuple(written.tags),
        written.bench,
        variables,
        written.time_limit_s,
        steps,
        reading.virtual_only,
        reading.realtime_only,
    )


def _evses(needs: Json, mistakes: FoundMistakes, words: BenchWords) -> int | None:
    """How many EVSEs the scenario has; None: nobody says. Mistakes in its needs are among the mistakes."""
    if not isinstance(needs, dict):
        return None
    found: object = needs.get("evses")
    if words.needs is not None:
        try:
            found = getattr(words.needs.model_validate(needs), "evses", None)
        except ValidationError as error:
            mistakes.from_schema(("bench",), error, words.needs)
    return found if isinstance(found, int) else None
