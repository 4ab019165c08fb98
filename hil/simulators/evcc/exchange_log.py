"""The log of the car's exchange with the station: each message with direction, code and milliseconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

DEPTH_MAX = 20_000
"""A session of half an hour at ten loops a second; older entries are dropped first."""


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """One message, or one event of the connection. `direction` is `>` to the station, `<` to the car, `!` neither."""

    at_s: float
    direction: str
    name: str
    code: str = ""
    took_ms: float | None = None
    """Of an answer: milliseconds since its request."""
    note: str = ""
    message: Any = None


@dataclass(slots=True)
class ExchangeLog:
    """Entries in the order they happened; at most `DEPTH_MAX` of them."""

    entries: list[LoggedMessage] = field(default_factory=list)
    dropped: int = 0

    def add(self, entry: LoggedMessage) -> None:
        """Append one entry."""
        self.entries.append(entry)
        if len(self.entries) > DEPTH_MAX:
            del self.entries[: DEPTH_MAX // 10]
            self.dropped += DEPTH_MAX // 10

    def names(self, direction: str = ">") -> list[str]:
        """The names in one direction, without repetitions that follow each other."""
        found: list[str] = []
        for entry in self.entries:
            if entry.direction == direction and found[-1:] != [entry.name]:
                found.append(entry.name)
        return found

    def codes(self) -> Counter[tuple[str, str]]:
        """How often each answer came with each code: (name, code)."""
        return Counter((entry.name, entry.code) for entry in self.entries if entry.direction == "<")

    def answers(self, name: str) -> list[Any]:
        """The answers of this class, as messages."""
        return [entry.message for entry in self.entries if entry.direction == "<" and entry.name == name]

    def requests(self, name: str) -> list[Any]:
        """The requests of this class, as messages."""
        return [entry.message for entry in self.entries if entry.direction == ">" and entry.name == name]

    def took_ms(self, name: str) -> list[float]:
        """The answer times of this class of answers."""
        return [entry.took_ms for entry in self.entries if entry.name == name and entry.took_ms is not None]
