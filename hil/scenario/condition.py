"""Conditions on the record of a bench: what must be true at one moment. Pure functions of a `BenchRecord`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from hil.record.line import STATION, Json, RecordLine, Seer
from hil.record.record import BenchRecord, HeldValue
from hil.scenario.value_test import ValueTest, passes, text_of


@dataclass(frozen=True, slots=True)
class SeenValue:
    """A signal at one moment. `since_s`: when it took this value; None: it never had one."""

    signal: str
    evse: int
    value: Json
    since_s: float | None


class RecordCondition(Protocol):
    """A condition. It changes only at the moments of `turns`, and counts from each of them on."""

    def turns(self, record: BenchRecord, from_s: float, to_s: float) -> set[float]:
        """The moments after `from_s`, until and with `to_s`, at which it may change."""

    def met(self, record: BenchRecord, at_s: float, since_s: float) -> bool:
        """Whether it is true then. Messages count from `since_s` on. An unknown value is never true."""

    def words(self) -> str:
        """For people: «contactor open and power_W at most 100»."""

    def unmet(self, record: BenchRecord, at_s: float, since_s: float) -> Iterator[RecordCondition]:
        """The parts that are not true then, each of one signal or message."""

    def signals(self) -> Iterator[tuple[str, int]]:
        """Name and EVSE of every signal in it."""


@dataclass(frozen=True, slots=True)
class SignalCondition:
    """A signal passes a test."""

    signal: str
    evse: int
    test: ValueTest

    def turns(self, record: BenchRecord, from_s: float, to_s: float) -> set[float]:
        return set(record.change_times([self.signal], self.evse, from_s, to_s)) - {from_s}

    def met(self, record: BenchRecord, at_s: float, since_s: float) -> bool:
        return passes(self.test, record.value_at(self.signal, self.evse, at_s))

    def words(self) -> str:
        return f"{self.signal} {self.test.words()}"

    def unmet(self, record: BenchRecord, at_s: float, since_s: float) -> Iterator[RecordCondition]:
        if not self.met(record, at_s, since_s):
            yield self

    def signals(self) -> Iterator[tuple[str, int]]:
        yield self.signal, self.evse


@dataclass(frozen=True, slots=True)
class MessageCondition:
    """A message of this type was seen. Once seen, the condition stays true."""

    name: str
    evse: int
    source: Seer | None = None
    fields: tuple[tuple[str, ValueTest], ...] = ()
    """Where each value stands in the message, names and places in lists with dots between; and its test."""

    def wanted(self, line: RecordLine) -> bool:
        """This line is such a message: of the EVSE or of the whole station."""
        return (
            line.name == self.name
            and line.evse in (STATION, self.evse)
            and self.source in (None, line.seer)
            and all(passes(test, value_in(line.value, path)) for path, test in self.fields)
        )

    def turns(self, record: BenchRecord, from_s: float, to_s: float) -> set[float]:
        return {line.at_s for line in record.messages(from_s, to_s, self.wanted)} - {from_s}

    def met(self, record: BenchRecord, at_s: float, since_s: float) -> bool:
        return bool(record.messages(since_s, at_s, self.wanted))

    def words(self) -> str:
        fields = ", ".join(f"{path} {test.words()}" for path, test in self.fields)
        return f"a message {self.name}" + (f" ({fields})" if fields else "")

    def unmet(self, record: BenchRecord, at_s: float, since_s: float) -> Iterator[RecordCondition]:
        if not self.met(record, at_s, since_s):
            yield self

    def signals(self) -> Iterator[tuple[str, int]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each part is true."""

    parts: tuple[RecordCondition, ...]

    def turns(self, record: BenchRecord, from_s: float, to_s: float) -> set[float]:
        return set[float]().union(*(part.turns(record, from_s, to_s) for part in self.parts))

    def met(self, record: BenchRecord, at_s: float, since_s: float) -> bool:
        return all(part.met(record, at_s, since_s) for part in self.parts)

    def words(self) -> str:
        return " and ".join(part.words() for part in self.parts)

    def unmet(self, record: BenchRecord, at_s: float, since_s: float) -> Iterator[RecordCondition]:
        for part in self.parts:
            yield from part.unmet(record, at_s, since_s)

    def signals(self) -> Iterator[tuple[str, int]]:
        for part in self.parts:
            yield from part.signals()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is true."""

    parts: tuple[RecordCondition, ...]

    def turns(self, record: BenchRecord, from_s: float, to_s: float) -> set[float]:
        return set[float]().union(*(part.turns(record, from_s, to_s) for part in self.parts))

    def met(self, record: BenchRecord, at_s: float, since_s: float) -> bool:
        return any(part.met(record, at_s, since_s) for part in self.parts)

    def words(self) -> str:
        return "(" + " or ".join(part.words() for part in self.parts) + ")"

    def unmet(self, record: BenchRecord, at_s: float, since_s: float) -> Iterator[RecordCondition]:
        if not self.met(record, at_s, since_s):
            for part in self.parts:
                yield from part.unmet(record, at_s, since_s)

    def signals(self) -> Iterator[tuple[str, int]]:
        for part in self.parts:
            yield from part.signals()


def value_in(value: Json, path: str) -> Json:
    """What stands at this place of a message; None where there is no such place."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def value_seen(record: BenchRecord, signal: str, evse: int, at_s: float) -> SeenValue:
    """The value of the signal then, and since when."""
    last: HeldValue | None = None
    for held in record.history(signal, evse, float("-inf"), at_s):
        last = held
    return SeenValue(signal, evse, last.value if last else None, last.from_s if last else None)


def seen_words(seen: SeenValue) -> str:
    """«power_W 10432»."""
    return f"{seen.signal} {text_of(seen.value)}"
