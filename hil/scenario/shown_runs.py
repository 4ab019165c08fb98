"""What people see while runs are under way: a line for each that ended, and what is running now.

A terminal shows the running ones below the lines, drawn anew each time. Anything else, a file or a pipe, gets lines only: one at least
each `QUIET_S`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

import click

from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.run_progress import RunUnderWay, in_words, left_s

QUIET_S = 10.0
"""The longest silence on a pipe."""
DRAW_S = 0.25

COLOURS = {
    ScenarioVerdict.PASSED: "green",
    ScenarioVerdict.FAILED: "red",
    ScenarioVerdict.ERROR: "yellow",
    ScenarioVerdict.SKIPPED: "cyan",
}


def is_terminal(out: TextIO) -> bool:
    """Its cursor can be placed."""
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@dataclass(slots=True)
class ShownRuns:
    """Call `ended` as each run ends, `under_way` now and then, and `close` at last."""

    of: int
    workers: int
    out: TextIO
    trouble: Callable[[RunResult], Sequence[str]]
    """More lines about a run that did not pass."""
    drawn: bool = False
    """On a terminal."""
    clock: Callable[[], float] = time.monotonic
    columns: Callable[[], int] = field(default=lambda: shutil.get_terminal_size().columns)
    _seconds: list[float] = field(default_factory=list)
    _done: int = 0
    _lines: int = 0
    """So many lines of the running ones stand below."""
    _written: float | None = None
    """When something was written last."""

    def ended(self, result: RunResult) -> None:
        """A line for this run; of one that did not pass, more lines."""
        self._done += 1
        if result.verdict is not ScenarioVerdict.SKIPPED:
            self._seconds.append(result.seconds)
        verdict = click.style(f"{result.verdict.value:8}", fg=COLOURS.get(result.verdict))
        factor = f", {result.factor:.0f} x" if result.virtual and result.factor else ""
        took = f"{result.bench_s:8.1f} s in {result.seconds:.1f} s{factor}"
        self._erase()
        self._write(f"{self._place():>8}  {verdict} {took:30} {result.run.name}")
        for line in self.trouble(result):
            self._write(f"          {line}")

    def under_way(self, runs: Sequence[RunUnderWay]) -> None:
        """What is running now."""
        now = self.clock()
        if self._written is None:
            self._written = now
        if self.drawn:
            if now - self._written >= DRAW_S:
                self._draw(runs)
        elif now - self._written >= QUIET_S:
            self._write(
                "; ".join((f"{self._place():>8}  running  {self._left(runs)}", *(run.sentence() for run in runs)))
            )

    def close(self) -> None:
        """Nothing is running any more."""
        self._erase()

    def _draw(self, runs: Sequence[RunUnderWay]) -> None:
        self._erase()
        lines = [f"{self._place():>8}  {self._left(runs)}", *(f"          {run.sentence()}" for run in runs)]
        width = self.columns() - 1
        for line in lines:
            self._write(line[:width])
        self._lines = len(lines)

    def _left(self, runs: Sequence[RunUnderWay]) -> str:
        rest_s = left_s(self._seconds, [run.seconds for run in runs], self.of - self._done - len(runs), self.workers)
        return "ended so far" if rest_s is None else f"ended so far, {in_words(rest_s)} left"

    def _place(self) -> str:
        return f"{self._done}/{self.of}"

    def _write(self, line: str) -> None:
        click.echo(line, file=self.out)
        self._written = self.clock()

    def _erase(self) -> None:
        if self._lines:
            self.out.write(
                f"\x1b[{self._lines}F\x1b[J"
            )  # not click.echo, which takes it away where it sees no terminal
            self._lines = 0
