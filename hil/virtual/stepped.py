"""A program that waits by itself, run in virtual time: when it would wait, the event loop of the bench goes on in its place.

The power process is a plain loop on `select`. It runs here on a stack of its own (a greenlet), inside the task that calls `run`. Where
it waits, the task waits; when one of its descriptors is readable or its time has come, it goes on.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
from collections.abc import Callable, Collection, Sequence

from greenlet import getcurrent, greenlet

from hil.virtual.loop import VirtualDeadlock, VirtualLoop

TURNS_MAX = 1000
"""A program that turns so often without a pause would take a whole processor of a real computer: a defect worth its end."""


class SteppedProgram:
    """Give `wait` and `pause` to the program, then `run` it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._outside: greenlet | None = None
        self._watched: set[int] = set()
        self._wake: asyncio.Future[None] | None = None
        self._time_is_up = False
        self._turns, self._turned_s = 0, -1.0

    def wait(self, descriptors: Sequence[int], at_most_s: float) -> Collection[int]:
        """For the program: the readable descriptors, after `at_most_s` virtual seconds at the latest."""
        assert self._outside is not None
        now_s = self._loop.time()
        self._turns = self._turns + 1 if now_s == self._turned_s else 0
        self._turned_s = now_s
        if self._turns > TURNS_MAX:
            raise VirtualDeadlock(
                f"the program asks for what is due, {TURNS_MAX} times at the same moment: it never waits"
            )
        ready: list[int] = self._outside.switch((tuple(descriptors), at_most_s))
        return ready

    def pause(self, for_s: float) -> None:
        """For the program: nothing for so many virtual seconds."""
        self.wait((), for_s)

    async def run(self, program: Callable[[], None]) -> None:
        """Until the program returns; raises what it raises. A cancelled task abandons the program where it waits."""
        self._outside = getcurrent()
        inside = greenlet(program)
        inside.gr_context = contextvars.copy_context()  # what it opens belongs to the process it runs in
        try:
            wish = inside.switch()
            while not inside.dead:
                wish = inside.switch(await self._until_ready(*wish))
        finally:
            for fd in self._watched:
                self._loop.remove_reader(fd)
            self._watched = set()

    async def _until_ready(self, descriptors: Sequence[int], at_most_s: float) -> list[int]:
        self._watch(set(descriptors))
        ready = _readable(descriptors)
        if ready or at_most_s <= 0.0:
            return ready
        self._time_is_up = False
        timer = self._loop.call_later(at_most_s, self._end_wait)
        # a call may be one of before: the loop saw the descriptor again before the program had read it
        while not ready and not self._time_is_up:
            self._wake = self._loop.create_future()
            await self._wake
            self._wake = None
            ready = _readable(descriptors)
        timer.cancel()
        return ready

    def _end_wait(self) -> None:
        self._time_is_up = True
        self._call()

    def _watch(self, wanted: set[int]) -> None:
        for fd in self._watched - wanted:
            self._loop.remove_reader(fd)
        for fd in wanted - self._watched:
            self._loop.add_reader(fd, self._call)
        self._watched = wanted

    def _call(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def _readable(descriptors: Sequence[int]) -> list[int]:
    """The readable ones now; all of them where one died, as the program's own loop takes it."""
    try:
        return select.select(descriptors, (), (), 0)[0] if descriptors else []
    except OSError:
        return list(descriptors)
