"""Reading conditions: from a mapping in the file to a `RecordCondition`, with every mistake in it."""

from __future__ import annotations

from pydantic import ValidationError

from hil.record.line import STATION, Json, Seer
from hil.scenario.bench_words import BenchWords
from hil.scenario.condition import AllOf, AnyOf, MessageCondition, RecordCondition, SignalCondition
from hil.scenario.mistakes import FoundMistakes, KeyPath, shown
from hil.scenario.operators import read_test
from hil.scenario.value_test import ValueTest
from hil.scenario.written import WrittenMessage

ANY = "any"
MESSAGE = "message"


def read_condition(
    raw: Json, evse: int, path: KeyPath, words: BenchWords, mistakes: FoundMistakes
) -> RecordCondition | None:
    """The condition that stands here. None where there is a mistake, which is then among the mistakes."""
    if not isinstance(raw, dict) or not raw:
        mistakes.add(path, f"= {shown(raw)}: a condition is a mapping of signals", "write {signal: value}")
        return None
    parts: list[RecordCondition | None] = []
    for name, value in raw.items():
        inner = (*path, name)
        if name == ANY:
            parts.append(_any(value, evse, inner, words, mistakes))
        elif name == MESSAGE:
            parts.append(_message(value, evse, inner, mistakes))
        elif (signal := words.signals.get(name)) is None:
            mistakes.unknown(inner, "signal", (*words.signals, ANY, MESSAGE))
            parts.append(None)
        else:
            test = read_test(value, signal, inner, mistakes)
            whose = STATION if signal.of_station else evse
            parts.append(None if test is None else SignalCondition(name, whose, test))
    good = tuple(part for part in parts if part is not None)
    if len(good) < len(parts):
        return None
    return good[0] if len(good) == 1 else AllOf(good)


def read_fields(raw: Json, path: KeyPath, mistakes: FoundMistakes) -> tuple[tuple[str, ValueTest], ...]:
    """Tests of the fields of a message or an answer."""
    found = []
    for name, value in raw.items() if isinstance(raw, dict) else ():
        test = read_test(value, None, (*path, name), mistakes)
        if test is not None:
            found.append((name, test))
    return tuple(found)


def _any(raw: Json, evse: int, path: KeyPath, words: BenchWords, mistakes: FoundMistakes) -> RecordCondition | None:
    if not isinstance(raw, list) or len(raw) < 2:
        mistakes.add(path, f"= {shown(raw)}: a list of at least two conditions is needed", "write - {signal: value}")
        return None
    parts = [read_condition(part, evse, (*path, place), words, mistakes) for place, part in enumerate(raw)]
    good = tuple(part for part in parts if part is not None)
    return AnyOf(good) if len(good) == len(parts) else None


def _message(raw: Json, evse: int, path: KeyPath, mistakes: FoundMistakes) -> RecordCondition | None:
    if isinstance(raw, str) and raw:
        return MessageCondition(raw, evse)
    if not isinstance(raw, dict):
        mistakes.add(path, f"= {shown(raw)}: the type of a message is needed", "write {name: TransactionEvent}")
        return None
    before = len(mistakes.found)
    fields = read_fields(raw.get("has"), (*path, "has"), mistakes)
    try:
        written = WrittenMessage.model_validate(raw)
    except ValidationError as error:
        mistakes.from_schema(path, error, WrittenMessage)
        return None
    if len(mistakes.found) > before:
        return None
    return MessageCondition(written.name, evse, Seer(written.source) if written.source else None, fields)
