"""What a live bench plays by itself: one story or arrival at a time, and a new one whenever somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hil.clock import now_s
from hil.simulators.csms import CallError
from hil.simulators.line_socket import Refused

STEER_ON = 'steer on, or send {"do": "story"} for a new one'


class StoryFailed(RuntimeError):
    """What was waited for did not come."""


@dataclass(slots=True)
class Position:
    """Where a story is: step `number` of `total`, its name, and what comes next at which time."""

    total: int
    number: int = 0
    name: str = "preparing"
    next: str = ""
    next_at_s: float | None = None
    """`now_s()` when the next step begins; None where nobody knows."""

    def words(self, now_s: float) -> str:
        """For people: «step 6 of 9: discharge 10 kW; +5 kW in 12 s»."""
        now = self.name if self.number == 0 else f"step {self.number} of {self.total}: {self.name}"
        if self.next_at_s is None:
            return now
        return f"{now}; {self.next} in {max(0.0, self.next_at_s - now_s):.0f} s"


class Playable(Protocol):
    """A story (`hil.demo.story`), an arrival (`hil.demo.arrival`), or a scenario (`hil.steering.door`)."""

    position: Position
    outcome: str
    """What is reached when `run` has come to its end, for people."""

    async def run(self) -> Any:
        """Play it to its end. Raises StoryFailed, Refused, CallError, LookupError or OSError."""


class Programme:
    """Plays at most one at a time. `words` says where it is."""

    def __init__(self, new: Callable[[], Playable], note: Callable[[str], None]) -> None:
        self._new = new
        self._note = note
        self._playing: Playable | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = 'not begun: send {"do": "story"}'

    @property
    def playing(self) -> bool:
        """One is under way."""
        return self._playing is not None

    def start(self) -> None:
        """Begin a new one. Raises Refused while one is playing."""
        if self._playing is not None:
            raise Refused(f"a story is under way ({self.words()}): wait for its end")
        self._playing = self._new()
        self._task = asyncio.create_task(self._play(self._playing), name="story")

    def words(self) -> str:
        """Where the story is, for people."""
        return self._ended if self._playing is None else self._playing.position.words(now_s())

    async def stop(self) -> None:
        """End the one that is playing, wherever it is."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._ended = f"ended on request; {STEER_ON}"

    async def _play(self, playing: Playable) -> None:
        try:
            await playing.run()
            self._ended = f"{playing.outcome}; {STEER_ON}"
        except (StoryFailed, Refused, CallError, LookupError, OSError) as error:
            self._ended = f"broken off; {STEER_ON}"
            self._note(f"the story breaks off: {error}")
        finally:
            self._playing = None
        self._note(self._ended)
