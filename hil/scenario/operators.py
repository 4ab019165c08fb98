"""Operators of the language: what may stand behind a signal or a field of a message, read into value tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hil.record.line import Json
from hil.record.signals import BenchSignal, SignalType
from hil.scenario.mistakes import FoundMistakes, KeyPath, near_misses, shown
from hil.scenario.value_test import (
    Equals,
    HasWords,
    InBounds,
    IsNot,
    IsOneOf,
    Near,
    PassesAll,
    ValueTest,
    number_of,
)


class WrittenOperators(BaseModel):
    """The operators as a file writes them. Several of them must all be met."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    near: float | None = Field(None, description="a number; give within or within_percent beside it")
    within: float | None = Field(None, ge=0, description="largest distance from near, in the signal's unit, 0 or more")
    within_percent: float | None = Field(
        None, ge=0, description="largest distance from near in percent of near, 0 or more"
    )
    at_least: float | None = Field(None, description="a number; itself allowed")
    at_most: float | None = Field(None, description="a number; itself allowed")
    above: float | None = Field(None, description="a number; itself not allowed")
    below: float | None = Field(None, description="a number; itself not allowed")
    between: list[float] | None = Field(
        None, min_length=2, max_length=2, description="write [least, most], both allowed"
    )
    one_of: list[Any] | None = Field(None, min_length=1, description="write a list of values")
    not_: Any = Field(None, alias="not", description="a value, or a mapping of operators")
    has: str | list[str] | None = Field(None, description="a word, or a list of words that must all be there")
    lacks: str | list[str] | None = Field(None, description="a word, or a list of words of which none may be there")


_FOR_NUMBERS = ("near", "within", "within_percent", "at_least", "at_most", "above", "below", "between")
_FOR_LISTS = ("has", "lacks")
_FOR_ALL = ("one_of", "not")

OPERATORS_OF: dict[SignalType | None, tuple[str, ...]] = {
    SignalType.NUMBER: (*_FOR_NUMBERS, *_FOR_ALL),
    SignalType.WORD: _FOR_ALL,
    SignalType.FLAG: ("not",),
    SignalType.WORDS: (*_FOR_LISTS, "not"),
    None: (*_FOR_NUMBERS, *_FOR_ALL, *_FOR_LISTS),
}
"""Which operators fit which type of signal; None: a field of a message, of any type."""

_SHOULD_BE = {
    SignalType.NUMBER: "a number, such as 12.5",
    SignalType.WORD: "a word; digits and the words true and false stand in quotes",
    SignalType.FLAG: "true or false",
    SignalType.WORDS: "a list of words, such as [A, B]; one word: {has: A}",
}


def read_test(
    raw: Json, signal: BenchSignal | None, path: KeyPath, mistakes: FoundMistakes, *, plain_only: bool = False
) -> ValueTest | None:
    """The test that stands at this place. None where there is a mistake, which is then among the mistakes.

    `signal`: whose value it judges; None: a field of a message or an answer, which may have any type.
    `plain_only`: a value, no operators.
    """
    if isinstance(raw, dict) and not plain_only:
        return _operators(raw, signal, path, mistakes)
    if not _fits(raw, signal):
        few = signal.words if signal and signal.type is SignalType.WORD else ()
        known = f"one of {', '.join(few)}" if few else _SHOULD_BE.get(_type(signal), "")
        near = near_misses(raw, few) if few and isinstance(raw, str) else ""
        what = f"{signal.name} is {known}" if signal else "a value or a mapping of operators is needed"
        mistakes.add(path, f"= {shown(raw)}: {what}", near or "correct the value")
        return None
    if isinstance(raw, list) and not _known(raw, signal, path, mistakes):
        return None
    return Equals(raw)


def _type(signal: BenchSignal | None) -> SignalType:
    return signal.type if signal else SignalType.WORD


def _fits(raw: Json, signal: BenchSignal | None) -> bool:
    if signal is None:
        return raw is not None and (number_of(raw) is not None or not isinstance(raw, float))
    match signal.type:
        case SignalType.NUMBER:
            return number_of(raw) is not None
        case SignalType.FLAG:
            return isinstance(raw, bool)
        case SignalType.WORD:
            return isinstance(raw, str) and (not signal.words or raw in signal.words)
        case SignalType.WORDS:
            return isinstance(raw, list) and all(isinstance(word, str) for word in raw)


def _operators(
    raw: dict[str, Json], signal: BenchSignal | None, path: KeyPath, mistakes: FoundMistakes
) -> ValueTest | None:
    allowed = OPERATORS_OF[signal.type if signal else None]
    known = tuple(info.alias or name for name, info in WrittenOperators.model_fields.items())
    if not raw:
        mistakes.add(path, "no operator stands here", f"write a value, or one of: {', '.join(allowed)}")
        return None
    whole = True
    for name in raw:
        if name not in known:
            mistakes.unknown((*path, name), "operator", allowed)
            whole = False
        elif name not in allowed:
            kind = signal.type.value if signal else "value"
            what = f"{signal.name} is a {kind}" if signal else "does not fit"
            mistakes.add((*path, name), f"{what}", f"it takes a value, or one of: {', '.join(allowed)}")
            whole = False
    if not whole:
        return None
    try:
        written = WrittenOperators.model_validate(raw)
    except ValidationError as error:
        mistakes.from_schema(path, error, WrittenOperators)
        return None
    return _tests_of(written, raw, signal, path, mistakes)


def _tests_of(
    written: WrittenOperators,
    raw: dict[str, Json],
    signal: BenchSignal | None,
    path: KeyPath,
    mistakes: FoundMistakes,
) -> ValueTest | None:
    tests: list[ValueTest | None] = []
    null = [name for name, value in raw.items() if value is None]
    if null:
        mistakes.add((*path, null[0]), "no value stands here", "write one, or remove the operator")
        return None
    if written.near is not None or written.within is not None or written.within_percent is not None:
        tests.append(_near(written, path, mistakes))
    if written.at_least is not None or written.at_most is not None:
        tests.append(_bounds((*path, "at_most"), written.at_least, written.at_most, mistakes))
    if written.above is not None or written.below is not None:
        tests.append(_bounds((*path, "below"), written.above, written.below, mistakes, is_open=True))
    if written.between is not None:
        tests.append(_bounds((*path, "between"), written.between[0], written.between[1], mistakes))
    if written.one_of is not None:
        each = [
            read_test(value, signal, (*path, "one_of", place), mistakes, plain_only=True)
            for place, value in enumerate(written.one_of)
        ]
        tests.append(None if None in each else IsOneOf(tuple(written.one_of)))
    if "not" in raw:
        inner = read_test(raw["not"], signal, (*path, "not"), mistakes)
        tests.append(None if inner is None else IsNot(inner))
    for name, words, present in (("has", written.has, True), ("lacks", written.lacks, False)):
        if words is not None:
            listed = [words] if isinstance(words, str) else words
            known = _known(listed, signal, (*path, name), mistakes)
            tests.append(HasWords(tuple(listed), present) if known else None)
    good = tuple(test for test in tests if test is not None)
    if len(good) < len(tests):
        return None
    return good[0] if len(good) == 1 else PassesAll(good)


def _known(listed: Sequence[Json], signal: BenchSignal | None, path: KeyPath, mistakes: FoundMistakes) -> bool:
    """Whether this list may hold each of these words. A misspelt one would pass every `lacks` and `never`."""
    unknown = [word for word in listed if signal is not None and signal.words and word not in signal.words]
    for word in unknown:
        assert signal is not None
        mistakes.add(path, f"{shown(word)} is no word of {signal.name}", near_misses(str(word), signal.words))
    return not unknown


def _near(written: WrittenOperators, path: KeyPath, mistakes: FoundMistakes) -> ValueTest | None:
    if written.near is None:
        name = "within" if written.within is not None else "within_percent"
        mistakes.add((*path, name), "stands without near", "add near, the value that is expected")
        return None
    if written.within is None and written.within_percent is None:
        mistakes.add((*path, "near"), f"= {written.near!r}: no distance is given", "add within or within_percent")
        return None
    distance = max(written.within or 0.0, abs(written.near) * (written.within_percent or 0.0) / 100.0)
    if distance == 0.0 and written.near == 0.0 and written.within is None:
        mistakes.add((*path, "within_percent"), "a percentage of 0 is 0", "give within, in the signal's unit")
        return None
    return Near(written.near, distance)


def _bounds(
    path: KeyPath, least: float | None, most: float | None, mistakes: FoundMistakes, *, is_open: bool = False
) -> ValueTest | None:
    if least is not None and most is not None and least > most:
        mistakes.add(path, f"= {most!r}: no number is between {least!r} and {most!r}", "put the smaller one first")
        return None
    return InBounds(
        -float("inf") if least is None else least,
        float("inf") if most is None else most,
        least_open=is_open and least is not None,
        most_open=is_open and most is not None,
    )
