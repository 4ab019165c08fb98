"""Variables of a scenario: `$name` in its values, and the combinations of its matrix."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hil.record.line import Json
from hil.scenario.mistakes import FoundMistakes, KeyPath, near_misses

_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|([A-Za-z_]\w*))")

COMBINATIONS_MAX = 1000


def combinations(matrix: Mapping[str, list[Json]]) -> list[dict[str, Json]]:
    """Every choice of one value for each name, in the order of the file; one empty choice where there is no matrix."""
    return [dict(zip(matrix, choice, strict=True)) for choice in itertools.product(*matrix.values())]


@dataclass(slots=True)
class Substitution:
    """Puts values in place of `$name` and `${name}`; `$$` is a dollar sign."""

    variables: Mapping[str, Json]
    mistakes: FoundMistakes
    used: set[str] = field(default_factory=set)

    def of(self, value: Json, path: KeyPath = ()) -> Json:
        """The value with its variables filled in. A variable that is the whole text keeps its type."""
        if isinstance(value, dict):
            return {key: self.of(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, (*path, place)) for place, inner in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        whole = _REFERENCE.fullmatch(value)
        if whole and value != "$$":
            return self._value(whole, path)
        return _REFERENCE.sub(lambda found: _text(self._value(found, path)), value)

    def _value(self, found: re.Match[str], path: KeyPath) -> Json:
        if found.group() == "$$":
            return "$"
        name = found.group(1) or found.group(2)
        self.used.add(name)
        if name not in self.variables:
            self.mistakes.add(path, f"unknown variable ${name}", near_misses(name, self.variables))
            return None
        return self.variables[name]


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
