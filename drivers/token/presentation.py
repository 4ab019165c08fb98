"""What counts as one presentation of a card, and how its number is written. Pure. Every reader uses it.

A token is the UID in upper-case hexadecimal, of 4, 7 or 10 bytes (docs/sources/hardware.md 5). The same token again within `repeat_s`
of the last time it was seen is the same presentation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

UID_BYTES = (4, 7, 10)
REPEAT_S = 2.0
_WAITING_MAX = 64


class Presentations:
    """Call `see` whenever the reader sees a card; `take` gives each presentation once."""

    def __init__(self, repeat_s: float = REPEAT_S) -> None:
        self._repeat_s = repeat_s
        self._seen_s: dict[str, float] = {}
        self._waiting: deque[str] = deque(maxlen=_WAITING_MAX)

    def see(self, token: str, now_s: float) -> None:
        """The reader sees this card now."""
        last_s = self._seen_s.get(token, -1e9)
        self._seen_s = {known: at_s for known, at_s in self._seen_s.items() if now_s - at_s < self._repeat_s}
        self._seen_s[token] = now_s
        if now_s - last_s >= self._repeat_s:
            self._waiting.append(token)

    def take(self) -> Iterator[str]:
        """Presentations since the last call, the oldest first; at most 64 wait."""
        while self._waiting:
            yield self._waiting.popleft()


def uid_text(uid: bytes) -> str | None:
    """The UID as upper-case hexadecimal; None for a length that no card has."""
    return uid.hex().upper() if len(uid) in UID_BYTES else None
