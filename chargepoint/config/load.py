"""Loading: from a TOML file to a `Config`, or every mistake at once with file, line, value, bound and remedy."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chargepoint.config.check import cross_check
from chargepoint.config.schema import Config
from chargepoint.config.source import Lines
from chargepoint.config.syntax import syntax_mistake, unreadable
from chargepoint.model.unusable import Mistake

Check = Callable[[Config], Iterable[Mistake]]
"""What another room finds wrong with a configuration whose schema is good: the drivers, say."""


@dataclass(frozen=True, slots=True)
class PlacedMistake:
    """One thing wrong with the file, and its line."""

    file: Path
    line: int
    mistake: Mistake
    column: int | None = None
    """Where the syntax of the file is broken; None for everything else."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" + (f":{self.column}" if self.column is not None else "")
        return f"{place}: {self.mistake}"


class ConfigError(ValueError):
    """The configuration cannot be used; `mistakes` has all of them, in the order of the file."""

    def __init__(self, mistakes: Iterable[PlacedMistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda m: m.line))
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything found in one file, in the order of the file. A warning prevents no start, a mistake does."""

    mistakes: tuple[PlacedMistake, ...]
    warnings: tuple[PlacedMistake, ...]
    _config: Config | None

    def config(self) -> Config:
        """The configuration. Raises ConfigError where there is a mistake; there is no half-good configuration."""
        if self.mistakes or self._config is None:
            raise ConfigError(self.mistakes)
        return self._config


def load(path: Path, *checks: Check) -> Config:
    """Read, check and freeze. Raises ConfigError; never returns a half-good configuration."""
    return study(path, checks).config()


def study(path: Path, checks: Sequence[Check] = (), doubts: Sequence[Check] = ()) -> Findings:
    """Read and check: what `checks` yield are mistakes, what `doubts` yield are warnings. Raises nothing."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return _only(PlacedMistake(path, 1, unreadable(error)))
    return study_text(text, path, checks, doubts)


def parse(text: str, path: Path, *checks: Check) -> Config:
    """As `load`, from text; `path` is for the error texts only."""
    return study_text(text, path, checks).config()


def study_text(text: str, path: Path, checks: Sequence[Check] = (), doubts: Sequence[Check] = ()) -> Findings:
    """As `study`, from text; `path` is for the error texts only."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place, mistake = syntax_mistake(str(error), text)
        return _only(PlacedMistake(path, place.line, mistake, place.column))
    config, details = _validate(raw)
    mistakes = [_mistake(detail) for detail in details]
    warnings: list[Mistake] = []
    if config is not None:
        reported = {mistake.shown_key for mistake in mistakes}  # what the schema took out is not missing as well
        mistakes += [m for m in cross_check(config, _defined(raw)) if m.shown_key not in reported]
        for check in checks:
            mistakes += check(config)
        for doubt in doubts:
            warnings += doubt(config)
    lines = Lines(text)

    def placed(found: Iterable[Mistake]) -> tuple[PlacedMistake, ...]:
        all_placed = (PlacedMistake(path, lines.of(mistake.key), mistake) for mistake in found)
        return tuple(sorted(all_placed, key=lambda mistake: mistake.line))

    return Findings(placed(mistakes), placed(warnings), None if mistakes else config)


def _only(mistake: PlacedMistake) -> Findings:
    return Findings((mistake,), (), None)


def _validate(raw: dict[str, Any]) -> tuple[Config | None, list[ErrorDetails]]:
    """The configuration, and the schema's mistakes.

    A mistake must not hide the next one: what is wrong is taken out and the rest validated again, so that the checks
    across keys still run. Where there were any, the result is good for nothing else.
    """
    details: list[ErrorDetails] = []
    taken: set[tuple[str | int, ...]] = set()
    for _ in range(3):
        try:
            return Config.model_validate(raw), details
        except ValidationError as error:
            found = error.errors()
        raw = deepcopy(raw)
        for detail in found:
            location = _location(detail)
            if detail["type"] != "missing":
                details.append(detail)
                taken.add(_take_out(raw, location))
                continue
            if location not in taken:  # else it stands in the file, and its own mistake is reported already
                details.append(detail)
            _take_out(raw, location[:-1])
    return None, details


def _location(detail: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _defined(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The names of each table of tables as they stand in the file, also of those that have mistakes."""
    return {table: tuple(names) for table, names in raw.items() if isinstance(names, dict)}


def _take_out(raw: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Returns what was taken out: the key at this location; of a list with a wrong item the whole list."""
    for depth, part in enumerate(location):
        inner = raw.get(str(part)) if isinstance(raw, dict) else None
        if depth == len(location) - 1 or not isinstance(inner, dict):
            if isinstance(raw, dict):
                raw.pop(str(part), None)
            return location[: depth + 1]
        raw = inner
    return location


_LENGTHS = (("min_length", "least"), ("max_length", "most"))


def _mistake(detail: ErrorDetails) -> Mistake:
    location = _location(detail)
    value, bound = detail.get("input"), detail.get("ctx", {})
    problem = detail["msg"][0].lower() + detail["msg"][1:]
    remedy = _described(location) or "correct the value"
    match detail["type"]:
        case "extra_forbidden":
            known = _known_keys(location[:-1])
            near = get_close_matches(str(location[-1]), known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(sorted(known))
            problem = "unknown key"
        case "missing":
            return Mistake(location, "is required", "add it")
        case "literal_error" | "enum":
            remedy = f"one of {bound.get('expected', '')}"
        case "tuple_type":
            problem, remedy = "one value where a list is needed", f"write [{json.dumps(value)}]; {remedy}"
        case "too_short" | "too_long":
            limits = [f"at {word} {bound[key]}" for key, word in _LENGTHS if key in bound]
            problem = f"a list of {bound['actual_length']}: {' and '.join(limits)}"
    return Mistake(location, problem if isinstance(value, (dict, list)) else f"= {value!r}: {problem}", remedy)


def _section(location: Sequence[str | int]) -> type[BaseModel] | None:
    """The schema's model at this place, walking names and dict values."""
    model: type[BaseModel] = Config
    parts = list(location)
    while parts:
        field = model.model_fields.get(str(parts.pop(0)))
        if field is None:
            return None
        annotation: Any = field.annotation
        if getattr(annotation, "__origin__", None) is dict:
            annotation = annotation.__args__[1]
            if parts:
                parts.pop(0)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    return model


def _known_keys(location: Sequence[str | int]) -> list[str]:
    section = _section(location)
    return list(section.model_fields) if section is not None else []


def _described(location: Sequence[str | int]) -> str:
    section = _section(location[:-1])
    field = section.model_fields.get(str(location[-1])) if section is not None and location else None
    return (field.description or "") if field is not None else ""
