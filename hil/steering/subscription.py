"""Who wants which lines of the record, and a queue for who reads slowly. A core: lines in, events out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hil.record.json_lines import fields_of
from hil.record.line import STATION, Json, RecordLine

QUEUE_MAX = 2_000
"""Lines that wait for one subscriber. When one more comes, the oldest goes, and an event says how many went."""


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Empty: all. `evse`: lines of this EVSE and of the whole station; None: of all."""

    evse: int | None = None
    kinds: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def wants(self, line: RecordLine) -> bool:
        """This line passes."""
        return (
            (self.evse is None or line.evse in (STATION, self.evse))
            and (not self.kinds or line.kind.value in self.kinds)
            and (not self.names or line.name in self.names)
        )


def numbered(number: int, line: RecordLine) -> dict[str, Json]:
    """A line with its number, as answers and events have it."""
    return {"number": number, **fields_of(line)}


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscriber's queue. It never holds more than `queue_max` lines, so nobody waits for who does not read."""

    filter: LineFilter
    queue_max: int = QUEUE_MAX
    _waiting: deque[dict[str, Json]] = field(default_factory=deque)
    _lost: int = 0

    def offer(self, first_number: int, lines: Iterable[RecordLine]) -> bool:
        """New lines; the first has this number. Returns whether something waits."""
        for number, line in enumerate(lines, start=first_number):
            if self.filter.wants(line):
                if len(self._waiting) >= self.queue_max:
                    self._waiting.popleft()
                    self._lost += 1
                self._waiting.append(numbered(number, line))
        return bool(self._waiting)

    def lose(self, count: int) -> None:
        """So many lines are gone that were never offered."""
        self._lost += count

    def take(self) -> Iterator[dict[str, Json]]:
        """What waits, the oldest first. Where lines were lost, an event of kind `lost` with their number comes before."""
        while self._lost or self._waiting:
            if self._lost:
                lost, self._lost = self._lost, 0
                yield {"kind": "lost", "name": "lost", "value": lost}
            else:
                yield self._waiting.popleft()
