"""Loading: from a TOML file to a `Config`, or every mistake at once with file, line, value, bound and remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with the file."""

    file: Path
    line: int
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.problem}; {self.remedy}"


class ConfigError(ValueError):
    """The configuration cannot be used; `mistakes` has all of them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda m: m.line))
        super().__init__("\n".join(map(str, self.mistakes)))


def load(path: Path) -> Config:
    """Read, check and freeze. Raises ConfigError; never returns a half-good configuration."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Mistake(path, 1, "file", str(error), "give a readable UTF-8 TOML file")]) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """As `load`, from text; `path` is for the error texts and for relative paths' sake only."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = getattr(error, "lineno", None) or _line_in(str(error))
        raise ConfigError([Mistake(path, line, "syntax", str(error), "see https://toml.io")]) from error
    lines = Lines(text)
    config, details, left_out = _validate(raw)
    mistakes = [_mistake(path, lines, detail) for detail in details]
    if config is not None:
        for key, problem, remedy in cross_check(config):
            if not any(repr(name) in problem for name in left_out):
                mistakes.append(Mistake(path, lines.of(key), _shown(key), problem, remedy))
    if mistakes or config is None:
        raise ConfigError(mistakes)
    return config


def _validate(raw: dict[str, Any]) -> tuple[Config | None, list[ErrorDetails], set[str]]:
    """The configuration, the schema's mistakes, and the names of tables left out because of them.

    A mistake must not hide the next one: what is wrong is taken out and the rest validated again, so that the checks
    across keys still run. The result is only for finding mistakes when there were any.
    """
    details: list[ErrorDetails] = []
    left_out: set[str] = set()
    for _ in range(3):
        try:
            return Config.model_validate(raw), details, left_out
        except ValidationError as error:
            found = error.errors()
        details += found
        raw = deepcopy(raw)
        for detail in found:
            location = [part for part in detail["loc"] if part != "[key]"]
            if detail["type"] == "missing":
                location.pop()
            left_out.add(str(location[-1]) if location else "")
            _take_out(raw, location)
    return None, details, left_out


def _take_out(raw: Any, location: Sequence[str | int]) -> None:
    for part in location[:-1]:
        if not isinstance(raw, dict):
            return  # inside a list: an outer round takes the whole key
        raw = raw.get(str(part), raw.get(part))
    if isinstance(raw, dict) and location:
        raw.pop(str(location[-1]), None)


def _mistake(path: Path, lines: Lines, detail: ErrorDetails) -> Mistake:
    location = [part for part in detail["loc"] if part != "[key]"]
    value, bound = detail.get("input"), detail.get("ctx", {})
    shown = f"= {value!r}" if not isinstance(value, (dict, list)) else ""
    problem = detail["msg"][0].lower() + detail["msg"][1:]
    match detail["type"]:
        case "extra_forbidden":
            known = _known_keys(location[:-1])
            near = get_close_matches(str(location[-1]), known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(sorted(known))
            problem = "unknown key"
        case "missing":
            remedy, shown = "add it", ""
        case "literal_error" | "enum":
            remedy = f"one of {bound.get('expected', '')}"
        case "less_than_equal" | "greater_than_equal" | "less_than" | "greater_than":
            remedy = _described(location) or "choose a value inside the bound"
        case _:
            remedy = _described(location) or "correct the value"
    return Mistake(path, lines.of(location), _shown(location), f"{shown} {problem}".strip(), remedy)


def _shown(location: Sequence[str | int]) -> str:
    if len(location) < 2:
        return str(location[0]) if location else "file"
    return f"[{'.'.join(map(str, location[:-1]))}] {location[-1]}"


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


def _line_in(text: str) -> int:
    _, _, tail = text.partition("at line ")
    digits = tail.split(",")[0].strip(" )")
    return int(digits) if digits.isdigit() else 1
