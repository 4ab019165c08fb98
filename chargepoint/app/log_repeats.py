"""Bounds a log: of each cause one line a second is written, the others are counted. A core: time comes in as a number."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Generic, TypeVar

PERIOD_S = 1.0
CAUSES_MAX = 256
"""Distinct causes kept at a time; further ones of the same second share one cause per severity."""

TEXT_MAX = 2000
"""Characters of one line."""

ABSURD = 1e9
"""No voltage, current, power, energy or time of a station is this large."""

Line = TypeVar("Line")

_HEXADECIMAL = re.compile(
    r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F-]*\d)[0-9a-fA-F-]{8,}\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,}"
)
_NUMBER = re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?")
_IN_ADDRESS = "(?<!::)" + "".join(rf"(?<!:[0-9a-fA-F]{{{digits}}}:)" for digits in range(1, 5))
"""Not behind two colons, nor behind a group of hexadecimal digits between two colons: there `2e55` is a part of an IPv6 address."""

_SCIENTIFIC = re.compile(_IN_ADDRESS + r"(?<![\w.-])[-+]?(?:\d+(?:\.\d+)?[eE]\+?\d+|\d{20,}(?:\.\d+)?)(?![\w-])")
"""A number by itself. Digits beside a letter or a hyphen belong to an identifier and do not match."""


def cause_of(text: str) -> str:
    """What a line says without its numbers, addresses and identifiers: two lines with one cause say the same thing."""
    return _NUMBER.sub("#", _HEXADECIMAL.sub("#", text))


def plain(text: str) -> str:
    """The text with absurd numbers named as such, cut to TEXT_MAX characters."""
    text = _SCIENTIFIC.sub(_sane, text)
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}… ({len(text) - TEXT_MAX} characters more)"


def _sane(found: re.Match[str]) -> str:
    value = float(found[0])
    if math.isfinite(value) and abs(value) < ABSURD:
        return found[0]
    return f"(a number out of range, beyond {'-' if value < 0 else ''}{ABSURD:.0e})"


@dataclass(frozen=True, slots=True)
class Written(Generic[Line]):
    """One line to write now. `more`: so many others of its cause were left out before it."""

    line: Line
    more: int = 0


@dataclass(slots=True)
class _Window(Generic[Line]):
    """One cause: since when it is counted, how many lines were written and left out, and the last one left out."""

    since_s: float
    written: int = 1
    more: int = 0
    last: Line | None = None


class Repeats(Generic[Line]):
    """Hand in each line with `take`, write what comes back. At the end `finish` gives the counts that are still open."""

    def __init__(self, period_s: float = PERIOD_S, causes_max: int = CAUSES_MAX) -> None:
        self._period_s = period_s
        self._causes_max = causes_max
        self._windows: dict[tuple[str, int], _Window[Line]] = {}

    def take(self, line: Line, cause: str, severity: int, now_s: float, *, at_most: int = 1) -> list[Written[Line]]:
        """What is to be written because of this line: nothing, the line, or also counts of causes that have ended.

        `at_most`: so many lines of this cause are written in one period before the others are counted.
        """
        key = (cause, severity)
        more = self._ended(key, now_s)
        out = self._sweep(now_s)
        if key not in self._windows and len(self._windows) >= self._causes_max:
            key = ("", severity)  # too many causes in one second: these share a count, errors never with others
            more = self._ended(key, now_s)
        window = self._windows.get(key)
        if window is None:
            self._windows[key] = _Window(now_s)
            out.append(Written(line, more))
        elif window.written < at_most:
            window.written += 1
            out.append(Written(line))
        else:
            window.more += 1
            window.last = line
        return out

    def finish(self) -> list[Written[Line]]:
        """The last line of each cause that has lines left out, with their count."""
        return self._sweep(math.inf)

    def __len__(self) -> int:
        """How many causes are kept."""
        return len(self._windows)

    def _ended(self, key: tuple[str, int], now_s: float) -> int:
        """How many lines this cause left out in a period that is over; 0 where none is."""
        window = self._windows.get(key)
        if window is None or now_s - window.since_s < self._period_s:
            return 0
        del self._windows[key]
        return window.more

    def _sweep(self, now_s: float) -> list[Written[Line]]:
        over = [key for key, window in self._windows.items() if now_s - window.since_s >= self._period_s]
        out = []
        for key in over:
            window = self._windows.pop(key)
            if window.last is not None:
                out.append(Written(window.last, window.more - 1))
        return out
