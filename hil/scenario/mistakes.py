"""What is wrong with a scenario file: all of it, each mistake with its line, the value, its bound and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]
"""Keys and places in lists, from the root of the file."""

NEAR_MISS = 0.6
SHOWN_VALUE_MAX = 60


@dataclass(frozen=True, slots=True, order=True)
class ScenarioMistake:
    """One thing wrong with a file. `text`: where, the value, its bound, what to do."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class ScenarioError(ValueError):
    """The file holds no scenario that can run; `mistakes` has everything that is wrong with it."""

    def __init__(self, mistakes: Iterable[ScenarioMistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(slots=True)
class FoundMistakes:
    """Collects the mistakes of one file. What is below a place with a mistake is not reported again."""

    file: Path
    lines: Mapping[KeyPath, int]
    found: set[ScenarioMistake] = field(default_factory=set)
    _places: set[KeyPath] = field(default_factory=set)

    def add(self, path: KeyPath, problem: str, remedy: str) -> None:
        """One mistake at this key. A problem that begins with "= " shows the key's value."""
        if any(path[: len(place)] == place for place in self._places):
            return
        self._places.add(path)
        between = " " if problem.startswith("= ") else ": "
        self.found.add(ScenarioMistake(self.file, self.line_of(path), f"{shown_key(path)}{between}{problem}; {remedy}"))

    def clear(self) -> None:
        """Forget all of them."""
        self.found.clear()
        self._places.clear()

    def unknown(self, path: KeyPath, what: str, known: Iterable[str]) -> None:
        """The last key of the path (or the word that stands there) is none of the known."""
        self.add(path, f"unknown {what}", near_misses(str(path[-1]), known))

    def from_schema(self, base: KeyPath, error: ValidationError, model: type[BaseModel]) -> None:
        """Everything that pydantic found wrong with the mapping at `base`."""
        for detail in error.errors():
            self._from_detail(base, detail, model)

    def line_of(self, path: KeyPath) -> int:
        """The line of this key, or of the nearest one above it that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def sorted(self) -> tuple[ScenarioMistake, ...]:
        """In the order of the file."""
        return tuple(sorted(self.found))

    def _from_detail(self, base: KeyPath, detail: ErrorDetails, model: type[BaseModel]) -> None:
        path = base + detail["loc"]
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        name = str(detail["loc"][0]) if detail["loc"] else ""
        described = (fields[name].description if name in fields else None) or "correct the value"
        if detail["type"] == "extra_forbidden":
            self.unknown(path, "key", fields)
        elif detail["type"] == "missing":
            self.add(path, "is required", f"add it: {described}")
        else:
            self.add(path, f"= {shown(detail['input'])}: {_said(detail['msg'])}", described)


def shown(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= SHOWN_VALUE_MAX else text[: SHOWN_VALUE_MAX - 1] + "…"


def shown_key(path: KeyPath) -> str:
    """The key as a reader finds it on its line: from the step on, since the line names the step."""
    last_step = max((place + 2 for place, part in enumerate(path) if part == "steps"), default=0)
    shorter = path[last_step:] or path
    text = ""
    for part in shorter:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "file"


def near_misses(word: str, known: Iterable[str]) -> str:
    """What to do about an unknown word."""
    every: Sequence[str] = sorted(known)
    near = get_close_matches(word, every, n=3, cutoff=NEAR_MISS)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if not every:
        return "nothing is known here"
    return "known here: " + ", ".join(every)


def _said(message: str) -> str:
    """What pydantic says, in the tone of this project: «must be a number»."""
    if message.startswith("Input should "):
        return "must " + message.removeprefix("Input should ").replace("be a valid", "be a", 1)
    return message[:1].lower() + message[1:]
