"""What a call to a bench may raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(RuntimeError):
    """The bench, the plant or the station refused the call; the text is theirs. `answer`: all of the answer."""

    def __init__(self, reason: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.answer = dict(answer or {})


class Expired(Refused):
    """What was waited for did not come in time. The text says what was seen instead; `seen` has the values."""

    @property
    def seen(self) -> dict[str, Any]:
        """The values of the condition's signals at the deadline, by name."""
        return dict(self.answer.get("seen") or {})


class BenchGone(ConnectionError):
    """There is no bench at this place, or it went away, or it did not answer in time. It may have obeyed nevertheless."""


def refusal_of(answer: Mapping[str, Any]) -> Refused:
    """The exception of an answer that is not ok."""
    kind = Expired if answer.get("expired") else Refused
    return kind(str(answer.get("error") or "refused without a reason"), answer)
