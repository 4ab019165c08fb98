"""What is wrong with what somebody wrote, and the error of everything that cannot start because of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong: `key` from the root of the file (or of the table that is meant), the problem with value and bound,
    the remedy. A problem that begins with "= " shows the value the key has."""

    key: tuple[str | int, ...]
    problem: str
    remedy: str

    def __str__(self) -> str:
        between = " " if self.problem.startswith("= ") else ": "
        return f"{self.shown_key}{between}{self.problem}; {self.remedy}"

    @property
    def shown_key(self) -> str:
        """As it stands in a TOML file: `[table.name] key`."""
        if len(self.key) < 2:
            return str(self.key[0]) if self.key else "file"
        return f"[{'.'.join(map(str, self.key[:-1]))}] {self.key[-1]}"


class Unusable(ValueError):
    """Something the configuration names cannot be used: says what, where, and what to do. Ends the start with exit 78."""


class UnusableDevice(Unusable):
    """The configuration names a driver or profile that is not here, or gives it what it cannot use. Each mistake's key is
    relative to the device's own table."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))
