"""A function in a process of its own: a forked child of a parent that has everything imported.

A crash, a leak or a hang stays with the child, and whatever the child started ends with it.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

Note = Callable[[object], None]
"""Sends something picklable to the parent, while the call goes on."""
LOG_TAIL = 5
"""So many lines of a dead child's log stand in the reason."""
JOIN_S = 5.0
"""A child that has sent its result ends in this time, or is ended."""


class CallDied(RuntimeError):
    """The child ended without a result; the text says how, and how its log ends."""


@dataclass(slots=True)
class ForkedCall:
    """One call under way. Make it with `start`; `end` must follow."""

    process: ForkProcess
    log: Path
    began: float
    deadline: float
    _results: Connection
    noted: object = None
    """What the child noted last, as far as `ended` has seen; None: nothing yet."""
    _found: tuple[object] | None = None
    _dead: bool = False

    @classmethod
    def start(cls, function: Callable[[Note], object], log: Path, patience_s: float) -> ForkedCall:
        """Its result must be picklable. What it prints goes to `log`. After `patience_s` the child counts as dead.

        The function is given another one: what it calls that with becomes `noted` here.
        """
        context = multiprocessing.get_context("fork")
        receives, sends = context.Pipe(duplex=False)
        process = context.Process(target=_in_child, args=(function, log, sends))
        sys.stdout.flush()
        sys.stderr.flush()
        process.start()
        sends.close()
        began = time.monotonic()
        return cls(process, log, began, began + patience_s, receives)

    def result(self) -> object:
        """What the function returned. Call it for one that `ended` names. Raises CallDied."""
        if self._found is None and not self._dead:
            raise CallDied(f"took longer than {self.deadline - self.began:g} s{self._tail()}")
        self.process.join(timeout=JOIN_S)
        if self._found is None:
            raise CallDied(f"{self._how()}{self._tail()}")
        return self._found[0]

    @property
    def over(self) -> bool:
        """It has returned, or died, as far as `ended` has seen."""
        return self._found is not None or self._dead

    def _hear(self) -> None:
        """Take what the child has sent."""
        try:
            while not self.over and self._results.poll():
                last, value = self._results.recv()
                if last:
                    self._found = (value,)
                else:
                    self.noted = value
        except EOFError:
            self._dead = True

    def end(self) -> None:
        """End the child's whole group, whatever is left of it."""
        if self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.is_alive():
            self.process.kill()  # it had no group of its own yet
        self.process.join()
        self._results.close()

    def _how(self) -> str:
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"died of {signal.Signals(-code).name}"
        return f"ended with exit status {code} and without a result"

    def _tail(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        last = [line.strip() for line in lines[-LOG_TAIL:] if line.strip()]
        return f"; the end of its log: {' | '.join(last)}" if last else ""


def ended(calls: Sequence[ForkedCall], at_most_s: float = math.inf) -> list[ForkedCall]:
    """Wait until at least one of them has a result, is dead or is late; return those. None of them after `at_most_s`."""
    until = min((call.deadline for call in calls), default=0.0)
    until = min(until, time.monotonic() + at_most_s)
    while True:
        wait([call._results for call in calls], max(0.0, until - time.monotonic()))
        for call in calls:
            call._hear()
        now = time.monotonic()
        done = [call for call in calls if call.over or call.deadline <= now]
        if done or until <= now:
            return done


def _in_child(function: Callable[[Note], object], log: Path, sends: Connection) -> None:
    os.setsid()  # what is started from here ends with this group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    into = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(into, 1)
    os.dup2(into, 2)
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115  (the parent's may lead elsewhere)
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sends.send((True, function(lambda value: sends.send((False, value)))))
    sends.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing of the parent's is closed, flushed or waited for
