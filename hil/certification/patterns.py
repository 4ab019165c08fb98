"""Patterns: what a message must have. Data that selects a message, checks it, and says in words what was expected.

A pattern is a mapping from a path (`transactionInfo.chargingState`, `eventData[0].trigger`) to a value or to an `Expected`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Payload = dict[str, Any]

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class _Missing:
    """The value of a path that a payload does not have."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Expected:
    """A rule for one value: its words for people, and whether a value keeps it. A missing value is `MISSING`."""

    words: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: which path, which value was there, what was expected, and whether the value keeps it."""

    path: str
    value: Any
    expected: str
    passed: bool


Pattern = Mapping[str, Any]

PRESENT = Expected("any value", lambda value: value is not MISSING)
ABSENT = Expected("nothing", lambda value: value is MISSING)


def one_of(*values: Any) -> Expected:
    """One of these values; `MISSING` among them allows the field to be left out."""
    return Expected(" or ".join(map(repr, values)), lambda value: any(_same(value, wanted) for wanted in values))


def none_of(*values: Any) -> Expected:
    """A value that is none of these."""
    words = f"anything but {' or '.join(map(repr, values))}"
    return Expected(words, lambda value: value is not MISSING and not any(_same(value, other) for other in values))


def at_least(bound: float) -> Expected:
    """A number of this size or more."""
    return Expected(f"at least {bound:g}", lambda value: _is_number(value) and value >= bound)


def about(moment: datetime, tolerance_s: float) -> Expected:
    """A time of the wire that differs from `moment` by at most `tolerance_s`."""
    words = f"{moment.isoformat(timespec='milliseconds')} within {tolerance_s:g} s"
    return Expected(words, lambda value: _near(value, moment, timedelta(seconds=tolerance_s)))


def where(words: str, fits: Callable[[Any], bool]) -> Expected:
    """Any rule of a value that is there."""
    return Expected(words, lambda value: value is not MISSING and fits(value))


def value_at(payload: Any, path: str) -> Any:
    """The value at this path; MISSING where there is none."""
    value = payload
    for name, index in _STEP.findall(path):
        if index:
            if not isinstance(value, list) or int(index) >= len(value):
                return MISSING
            value = value[int(index)]
        else:
            if not isinstance(value, dict) or name not in value:
                return MISSING
            value = value[name]
    return value


def compare(payload: Any, pattern: Pattern) -> list[Comparison]:
    """One comparison per path of the pattern."""
    return [judge(path, value_at(payload, path), expected) for path, expected in pattern.items()]


def judge(path: str, value: Any, expected: Any) -> Comparison:
    """Compare one value with what is expected of it."""
    rule = expected if isinstance(expected, Expected) else one_of(expected)
    return Comparison(path, value, rule.words, rule.fits(value))


def matches(payload: Any, pattern: Pattern) -> bool:
    """Whether the payload keeps the whole pattern."""
    return all(comparison.passed for comparison in compare(payload, pattern))


def parse_time(text: Any) -> datetime | None:
    """A time of the wire with its zone; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def short(payload: Any, paths: Iterable[str]) -> str:
    """These fields of a payload as a few words, those that are missing left out."""
    found = [(path.rsplit(".", 1)[-1], value_at(payload, path)) for path in paths]
    return ", ".join(f"{name} {value!r}" for name, value in found if value is not MISSING)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) is not isinstance(wanted, bool):
        return False  # JSON's true is not its 1
    return value is MISSING if wanted is MISSING else bool(value == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _near(value: Any, moment: datetime, tolerance: timedelta) -> bool:
    found = parse_time(value)
    return found is not None and abs(found - moment) <= tolerance
