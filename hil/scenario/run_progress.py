"""How far runs are: what a run says of itself while it is under way, and how long all of them still take. Cores: no clock, no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hil.scenario.step import PlannedRun

ENOUGH_RUNS = 3
"""Before so many have ended, nothing is said about the rest."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run is: the time of its bench since it began, and its present step."""

    bench_s: float
    line: int
    words: str


@dataclass(frozen=True, slots=True)
class RunUnderWay:
    """A run that has not ended. `seconds`: since its start, on this computer's clock. `progress`: None until its bench is ready."""

    run: PlannedRun
    seconds: float
    progress: RunProgress | None = None

    def sentence(self) -> str:
        """For people."""
        if self.progress is None:
            return f"{self.run.name}: the bench starts"
        return f"{self.run.name}: {self.progress.bench_s:.1f} s, line {self.progress.line}: {self.progress.words}"


def left_s(ended: Sequence[float], under_way: Sequence[float], waiting: int, workers: int) -> float | None:
    """Estimate: so many seconds until all have ended. None while too few have.

    `ended`, `under_way`: how long these runs took, or have taken until now. Runs are taken to be as long as those before, on the mean.
    """
    if len(ended) < ENOUGH_RUNS:
        return None
    mean_s = sum(ended) / len(ended)
    rest_s = [max(0.0, mean_s - seconds) for seconds in under_way]
    return max(max(rest_s, default=0.0), (waiting * mean_s + sum(rest_s)) / workers)


def in_words(seconds: float) -> str:
    """«about 40 s», «about 3 min»."""
    return f"about {seconds:.0f} s" if seconds < 90.0 else f"about {seconds / 60.0:.0f} min"
