"""Conditions of Part 5: whether a case applies to a station with these features. `C-49 and (C-30 or not HFS-8>1)`.

A condition has feature ids, `and`, `or`, `not`, parentheses, and `ID>NUMBER` for a feature that counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FeatureValue = bool | int | tuple[str, ...]

_TOKEN = re.compile(r"\s*(?:(?P<mark>[()])|(?P<name>[A-Za-z][A-Za-z0-9.-]*)(?:>(?P<bound>\d+))?)")


class ConditionError(ValueError):
    """A condition that cannot be read, or that names an unknown feature."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. An empty text is always true."""

    text: str
    ids: frozenset[str] = field(default=frozenset())
    """The features it names."""

    @classmethod
    def read(cls, text: str) -> Condition:
        """Raises ConditionError with the text and the place."""
        ids = frozenset(name for name, _ in _tokens(text) if name not in ("(", ")", "and", "or", "not"))
        condition = cls(text, ids)
        if text:
            condition.holds(dict.fromkeys(ids, False))
        return condition

    def holds(self, features: Mapping[str, FeatureValue]) -> bool:
        """Whether a station with these features meets it. Raises ConditionError for a feature that `features` does not have."""
        if not self.text:
            return True
        return _Reading(self.text, features).whole()

    def reason(self, features: Mapping[str, FeatureValue]) -> str:
        """The condition with the value of each feature, for people: `C-49 and C-03 (C-03 no, C-49 yes)`."""
        values = ", ".join(f"{name} {_words(features[name])}" for name in sorted(self.ids))
        return f"{self.text} ({values})" if values else self.text


class _Reading:
    """A descent over the words of one condition: `or` binds least, then `and`, then `not`."""

    def __init__(self, text: str, features: Mapping[str, FeatureValue]) -> None:
        self._text = text
        self._features = features
        self._left = _tokens(text)

    def whole(self) -> bool:
        """The value of the whole text."""
        value = self._chain("or", self._conjunction)
        if self._left:
            raise ConditionError(f"condition {self._text!r}: {self._left[0][0]!r} is too much")
        return value

    def _conjunction(self) -> bool:
        return self._chain("and", self._negation)

    def _chain(self, word: str, part: Callable[[], bool]) -> bool:
        values = [part()]
        while self._left and self._left[0][0] == word:
            self._left.pop(0)
            values.append(part())
        return any(values) if word == "or" else all(values)

    def _negation(self) -> bool:
        if self._left and self._left[0][0] == "not":
            self._left.pop(0)
            return not self._negation()
        return self._atom()

    def _atom(self) -> bool:
        if not self._left:
            raise ConditionError(f"condition {self._text!r}: ends where a feature is expected")
        name, bound = self._left.pop(0)
        if name == "(":
            value = self._chain("or", self._conjunction)
            if not self._left or self._left.pop(0)[0] != ")":
                raise ConditionError(f"condition {self._text!r}: a parenthesis is not closed")
            return value
        if name in (")", "and", "or") or name not in self._features:
            raise ConditionError(f"condition {self._text!r}: {name!r} is not a known feature")
        feature = self._features[name]
        return bool(feature) if bound is None else isinstance(feature, int) and feature > bound


def _tokens(text: str) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConditionError(f"condition {text!r}: character {at + 1}, {text[at]!r}, begins no word")
        bound = match["bound"]
        found.append((match["mark"] or match["name"], None if bound is None else int(bound)))
        at = match.end()
    return found


def _words(value: FeatureValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else ",".join(value) or "none"
