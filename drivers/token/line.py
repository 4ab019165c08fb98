"""A reader that gives each token as a line of text, or as keys of a keyboard. Fulfils chargepoint.ports.TokenReader.

The parameter `pattern` is a regular expression with the UID as its first group, or as the whole match. The default takes
UIDs of 4, 7 or 10 bytes in hexadecimal, with or without separators (docs/sources/hardware.md 5).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from drivers.token.presentation import REPEAT_S, UID_BYTES, Presentations

DEFAULT_PATTERN = r"((?:[0-9A-Fa-f]{2}[ :-]?){3,9}[0-9A-Fa-f]{2})"


class LineSource(Protocol):
    """A bus that collects lines."""

    lines: deque[bytes]


class LineReader:
    """Lines that do not fit are counted in `refused` and forgotten."""

    def __init__(self, name: str, bus: LineSource, pattern: str = DEFAULT_PATTERN, repeat_s: float = REPEAT_S) -> None:
        self.name = name
        self.refused = 0
        self._bus = bus
        self._pattern = re.compile(pattern)
        self._any_length = pattern != DEFAULT_PATTERN
        self._presentations = Presentations(repeat_s)
        self._now_s = 0.0

    @property
    def identity_error(self) -> str:
        """Such a reader does not report what it is: always empty."""
        return ""

    def poll(self, now_s: float) -> None:
        """Nothing to ask; remembers the time."""
        self._now_s = now_s

    def tokens(self) -> Iterator[str]:
        """Tokens seen since the last call, normalised to upper case without separators."""
        while self._bus.lines:
            token = self.normalise(self._bus.lines.popleft())
            if token is None:
                self.refused += 1
            else:
                self._presentations.see(token, self._now_s)
        yield from self._presentations.take()

    def normalise(self, line: bytes) -> str | None:
        """The token of a line, or None."""
        match = self._pattern.search(line.decode("ascii", "replace"))
        if match is None:
            return None
        token = re.sub(r"[\s:-]", "", match.group(1) if match.groups() else match.group(0)).upper()
        if not self._any_length and (len(token) not in tuple(2 * count for count in UID_BYTES)):
            return None
        return token if 0 < len(token) <= 36 else None
