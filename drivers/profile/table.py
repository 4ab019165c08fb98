"""A TOML table read key by key: every mistake is noted with its place, and keys nobody asked for are mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_MISSING = object()


class Table:
    """Getters return the default (or an empty value) after noting a mistake, so that one run finds them all."""

    def __init__(self, values: object, place: str, mistakes: list[str]) -> None:
        self.place = place
        self.mistakes = mistakes
        self._values: dict[str, Any] = values if isinstance(values, dict) else {}
        self._asked: set[str] = set()
        if not isinstance(values, dict):
            self.note("", values, "a table", f"write [{place}]")

    def note(self, key: str, value: object, bound: str, remedy: str) -> None:
        """Note one mistake."""
        where = f"[{self.place}] {key}".rstrip()
        self.mistakes.append(f"{where} = {value!r}: {bound}; {remedy}")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str, default: object = _MISSING) -> Any:
        """The raw value."""
        self._asked.add(key)
        value = self._values.get(key, default)
        if value is _MISSING:
            self.note(key, None, "is required", "add it")
            return None
        return value

    def text(self, key: str, default: object = _MISSING) -> str:
        """A string."""
        value = self.get(key, default)
        if isinstance(value, str):
            return value
        if value is not None:
            self.note(key, value, "must be text", "put it in quotes")
        return ""

    def one_of(self, key: str, known: Iterable[str], default: object = _MISSING) -> str:
        """One of some words."""
        words = tuple(known)
        value = self.text(key, default)
        if value not in words:
            if key in self._values:
                self.note(key, value, f"one of {', '.join(words)}", "correct it")
            return words[0]
        return value

    def number(self, key: str, low: float, high: float, default: object = _MISSING) -> float:
        """A number inside bounds."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            if value is not None:
                self.note(key, value, f"a number from {low:g} to {high:g}", "correct it")
            return low
        return float(value)

    def whole(self, key: str, low: int, high: int, default: object = _MISSING) -> int:
        """A whole number inside bounds."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            if value is not None:
                self.note(key, value, f"a whole number from {low} to {high}", "correct it")
            return low
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            self.note(key, value, "true or false", "correct it")
            return default
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of names; one name may stand alone."""
        value = self.get(key, ())
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self.note(key, value, "a list of names", "correct it")
            return ()
        return tuple(value)

    def table(self, key: str) -> Table:
        """A table inside; empty when missing."""
        return Table(self.get(key, {}), f"{self.place}.{key}".lstrip("."), self.mistakes)

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """All tables inside a table of tables."""
        inner = self.table(key)
        for name in inner._values:
            yield name, inner.table(name)

    def items(self) -> Iterator[tuple[str, Any]]:
        """All keys with their values; all count as asked for."""
        for key, value in self._values.items():
            self._asked.add(key)
            yield key, value

    def array(self, key: str) -> list[Table]:
        """An array of tables; empty when missing."""
        value = self.get(key, [])
        if not isinstance(value, list):
            self.note(key, value, "an array of tables", f"write [[{key}]]")
            return []
        return [Table(item, f"{self.place}{key}[{index}]", self.mistakes) for index, item in enumerate(value)]

    def finish(self) -> None:
        """Note the keys nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.note(key, self._values[key], "unknown key", f"known here: {', '.join(sorted(self._asked))}")
