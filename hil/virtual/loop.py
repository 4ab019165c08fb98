"""An event loop whose time is a number: it stands still while anybody works, and jumps to the next deadline when all wait.

Sockets are the kernel's own, so real protocols run over them, TLS included. What waits for time waits for nothing real: an hour of idling
takes seconds. A loaded computer makes a run slower and changes nothing in it.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

BEGIN_S = 1000.0
"""Not zero: what happened «long ago» must lie before the beginning."""
FOREIGN_WAIT_S = 0.005
"""While a thread of somebody else works, time stands still; the loop looks so often whether it has finished."""
LEAST_LEAP_S = 1e-6
"""A deadline that is less than this away would be missed by rounding, and asked for again for ever."""
LOOKS_EVERY = 8
"""While callbacks wait for their turn, descriptors are looked at in each turn of this number only: all of it is the same moment."""
TURNS_WITHOUT_TIME = 2000
"""Somebody who waits for time without sleeping gets `LEAST_LEAP_S` after so many turns."""
DEADLOCK_S = 30.0
"""Nothing to do, no deadline, and nothing from outside for so long: everybody waits for everybody."""


class VirtualDeadlock(RuntimeError):
    """Everybody waits, and nobody for time."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Use as the loop factory of `asyncio.Runner`. `time()` is the bench's monotonic clock."""

    def __init__(self, begin: datetime | None = None) -> None:
        """`begin`: UTC at the beginning; None: noon of this day, so that two runs of a day are the same.

        Certificates are judged by TLS with this computer's clock in any case.
        """
        self._begin = begin or datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
        self.selector_of_time = _TimeSelector(self._leap)
        super().__init__(self.selector_of_time)  # type: ignore[arg-type]
        self._virtual_s = BEGIN_S
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual monotonic seconds."""
        return self._virtual_s

    def utc(self) -> datetime:
        """Aware UTC of the bench: the true one, whatever the controller's clock shows."""
        return self._begin + timedelta(seconds=self._virtual_s - BEGIN_S)

    def _leap(self, for_s: float) -> None:
        self._virtual_s += for_s

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Done at once, in no virtual time: a thread would finish at another moment in each run."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _TimeSelector:
    """A selector that never sleeps: when nothing is readable, time leaps by what the loop was willing to sleep."""

    def __init__(self, leap: Callable[[float], None]) -> None:
        self._real = selectors.PollSelector()  # keeps nothing in the kernel: a descriptor may be closed and come back
        self._leap = leap
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; time leaps only if nothing is."""
        self._turns += 1
        if timeout == 0:
            ready = [] if self._turns % LOOKS_EVERY else self._real.select(0)
            self._leap_if_stuck()
            return ready
        while True:
            others = (
                self._foreigners_work()
            )  # asked first: what a thread does before its end is seen by the look after it
            ready = self._real.select(0)
            if ready:
                self._leap_if_stuck()
                return ready
            if not others:
                break
            if ready := self._real.select(FOREIGN_WAIT_S):
                return ready
        if timeout is None:
            if not (ready := self._real.select(DEADLOCK_S)):
                raise VirtualDeadlock("everybody waits, and nobody for time: a task waits for what can never come")
            return ready
        self._go(max(timeout, LEAST_LEAP_S))
        return []

    def _leap_if_stuck(self) -> None:
        if self._turns > TURNS_WITHOUT_TIME:
            self._go(LEAST_LEAP_S)

    def _go(self, for_s: float) -> None:
        self._turns = 0
        self._leap(for_s)

    @staticmethod
    def _foreigners_work() -> bool:
        """A thread of somebody works, a transfer of a file say: until it ends, time stands still."""
        return threading.active_count() > 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
