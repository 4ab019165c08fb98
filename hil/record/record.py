"""The record itself: lines in the order of their time, and what can be asked of them. No clock, no file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hil.record.line import Json, LineKind, RecordLine


@dataclass(frozen=True, slots=True)
class HeldValue:
    """A signal had `value` from `from_s` on."""

    from_s: float
    value: Json


class BenchRecord:
    """Append with `add`. An entry may be older than the last one: sources report at different moments.

    An entry of a signal that is older than the last one of that signal counts from the time of the last one.
    """

    def __init__(self) -> None:
        self._entries: list[RecordLine] = []
        self._forgotten = 0
        self._messages: list[RecordLine] = []
        self._values: dict[tuple[str, int], tuple[list[float], list[Json]]] = {}
        self.ends_s = 0.0
        """Everything before this is known: signals kept their last value until here."""

    def add(self, entry: RecordLine) -> None:
        """One more line. A signal that only repeats its value leaves no line."""
        if entry.kind is LineKind.VALUE:
            times, values = self._values.setdefault((entry.name, entry.evse), ([], []))
            if values and values[-1] == entry.value:
                return
            times.append(max(entry.at_s, times[-1]) if times else entry.at_s)
            values.append(entry.value)
        elif entry.kind is LineKind.MESSAGE:
            insort(self._messages, entry, key=_time_of)
        self._entries.append(entry)
        self.ends_s = max(self.ends_s, entry.at_s)

    def extend(self, entries: Iterable[RecordLine]) -> None:
        """`add` each."""
        for entry in entries:
            self.add(entry)

    def known_until(self, at_s: float) -> None:
        """All sources were asked at this time."""
        self.ends_s = max(self.ends_s, at_s)

    @property
    def count(self) -> int:
        """How many lines were ever added: the number of the newest, counted from 1 in the order in which they were added."""
        return self._forgotten + len(self._entries)

    def after(self, number: int) -> list[RecordLine]:
        """The lines with a higher number than this one; those that were forgotten are missing."""
        return self._entries[max(0, number - self._forgotten) :]

    def forget_before(self, at_s: float) -> None:
        """Drop lines older than this, so that a bench may run for days. The value that each signal had then is kept."""
        keep = next((place for place, entry in enumerate(self._entries) if entry.at_s >= at_s), len(self._entries))
        self._forgotten += keep
        del self._entries[:keep]
        del self._messages[: bisect_left(self._messages, at_s, key=_time_of)]
        for times, values in self._values.values():
            old = max(0, bisect_right(times, at_s) - 1)
            del times[:old], values[:old]

    @property
    def entries(self) -> Sequence[RecordLine]:
        """All lines by time; lines of one time stand as they were added."""
        return sorted(self._entries, key=_time_of)

    def value_at(self, name: str, evse: int, at_s: float) -> Json:
        """What the signal was then; None before its first line."""
        times, values = self._values.get((name, evse), ((), ()))
        place = bisect_right(times, at_s)
        return values[place - 1] if place else None

    def latest(self, name: str, evse: int) -> Json:
        """The newest value; None where there is none."""
        _, values = self._values.get((name, evse), ((), ()))
        return values[-1] if values else None

    def history(self, name: str, evse: int, from_s: float, to_s: float) -> Iterator[HeldValue]:
        """The value at `from_s`, then each change until and with `to_s`. Nothing before the signal's first line."""
        times, values = self._values.get((name, evse), ((), ()))
        place = bisect_right(times, from_s)
        if place:
            yield HeldValue(from_s, values[place - 1])
        while place < len(times) and times[place] <= to_s:
            yield HeldValue(times[place], values[place])
            place += 1

    def change_times(self, names: Iterable[str], evse: int, from_s: float, to_s: float) -> list[float]:
        """`from_s`, and each time after it, until and with `to_s`, at which one of these signals changed; in order, each once."""
        found = {from_s}
        for name in names:
            times, _ = self._values.get((name, evse), ((), ()))
            first = bisect_right(times, from_s)
            found.update(times[first : bisect_right(times, to_s)])
        return sorted(found)

    def messages(self, from_s: float, to_s: float, wanted: Callable[[RecordLine], bool]) -> list[RecordLine]:
        """Messages in this time, in order."""
        first = bisect_left(self._messages, from_s, key=_time_of)
        last = bisect_right(self._messages, to_s, key=_time_of)
        return [entry for entry in self._messages[first:last] if wanted(entry)]


def _time_of(entry: RecordLine) -> float:
    return entry.at_s
