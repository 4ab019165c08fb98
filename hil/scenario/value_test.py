"""What a value must be: tests of one value, without time. A value that is unknown passes none of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hil.record.line import Json


class ValueTest(Protocol):
    """One test of one value."""

    def judge(self, value: Json) -> bool | None:
        """Whether the value passes. None: it is unknown, or of a kind that this test cannot judge."""

    def words(self) -> str:
        """As it stands behind «expected NAME», for people."""


def passes(test: ValueTest, value: Json) -> bool:
    """An unknown value passes nothing, not even a negation."""
    return test.judge(value) is True


def number_of(value: Json) -> float | None:
    """A finite number as such; None for everything else, flags included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def text_of(value: Json) -> str:
    """A value for people: numbers with six digits, words bare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value += 0.0  # -0 is 0
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.1f}"
    if value is None:
        return "unknown"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return str(value) if value != "" else "empty"


@dataclass(frozen=True, slots=True)
class Equals:
    """The same value. Numbers by their size; lists without order."""

    value: Json

    def judge(self, value: Json) -> bool | None:
        if value is None:
            return None
        if isinstance(self.value, list):
            return _same_words(self.value, value) if isinstance(value, list) else None
        wanted, given = number_of(self.value), number_of(value)
        if wanted is not None:
            return None if given is None else given == wanted
        return value == self.value if type(value) is type(self.value) else None

    def words(self) -> str:
        return text_of(self.value)


@dataclass(frozen=True, slots=True)
class Near:
    """A number at most `within` from `value`."""

    value: float
    within: float

    def judge(self, value: Json) -> bool | None:
        given = number_of(value)
        return None if given is None else abs(given - self.value) <= self.within

    def words(self) -> str:
        return f"{text_of(self.value)} ± {text_of(self.within)}"


@dataclass(frozen=True, slots=True)
class InBounds:
    """A number between the bounds. An open bound is not reached itself."""

    least: float = -math.inf
    most: float = math.inf
    least_open: bool = False
    most_open: bool = False

    def judge(self, value: Json) -> bool | None:
        given = number_of(value)
        if given is None:
            return None
        above = given > self.least if self.least_open else given >= self.least
        below = given < self.most if self.most_open else given <= self.most
        return above and below

    def words(self) -> str:
        parts = []
        if math.isfinite(self.least):
            parts.append(f"{'above' if self.least_open else 'at least'} {text_of(self.least)}")
        if math.isfinite(self.most):
            parts.append(f"{'below' if self.most_open else 'at most'} {text_of(self.most)}")
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """One of these values."""

    values: tuple[Json, ...]

    def judge(self, value: Json) -> bool | None:
        verdicts = [Equals(wanted).judge(value) for wanted in self.values]
        return True if True in verdicts else None if set(verdicts) <= {None} else False

    def words(self) -> str:
        return "one of " + ", ".join(map(text_of, self.values))


@dataclass(frozen=True, slots=True)
class HasWords:
    """A list with all of these words (`present`), or with none of them."""

    wanted: tuple[Json, ...]
    present: bool = True

    def judge(self, value: Json) -> bool | None:
        if not isinstance(value, list):
            return None
        return all((word in value) is self.present for word in self.wanted)

    def words(self) -> str:
        return f"{'with' if self.present else 'without'} {', '.join(map(text_of, self.wanted))}"


@dataclass(frozen=True, slots=True)
class IsNot:
    """A known value that does not pass the inner test."""

    inner: ValueTest

    def judge(self, value: Json) -> bool | None:
        verdict = self.inner.judge(value)
        return None if verdict is None else not verdict

    def words(self) -> str:
        return f"not {self.inner.words()}"


@dataclass(frozen=True, slots=True)
class PassesAll:
    """All of the inner tests."""

    inner: tuple[ValueTest, ...]

    def judge(self, value: Json) -> bool | None:
        verdicts = [test.judge(value) for test in self.inner]
        return None if None in verdicts else all(verdicts)

    def words(self) -> str:
        return " and ".join(test.words() for test in self.inner)


def _same_words(wanted: Sequence[Json], given: Sequence[Json]) -> bool:
    return sorted(map(repr, wanted)) == sorted(map(repr, given))
