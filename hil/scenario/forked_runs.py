"""Runs in processes of their own, several at once. What kills its process is a run's verdict: an error of the bench."""

from __future__ import annotations

import contextlib
import gc
import re
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hil.scenario.bench_door import BenchChoice, broken_bench, perform
from hil.scenario.forked_call import CallDied, ForkedCall, Note, ended
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.run_progress import RunProgress, RunUnderWay
from hil.scenario.step import PlannedRun

PATIENCE_S = 120.0
"""On this computer's clock, beyond the scenario's own time limit: for opening and closing the bench."""

LOOK_S = 0.25
"""So often those under way are looked at, on this computer's clock."""


class RunsInterrupted(Exception):
    """Somebody ended the runs (Ctrl-C, SIGTERM). `results`: of those that had ended."""

    def __init__(self, results: list[RunResult]) -> None:
        super().__init__(f"ended after {len(results)} runs")
        self.results = results


@dataclass(slots=True)
class ForkedRuns:
    """Performs runs, so many at once. Results come in the order of the runs, whatever the order of their ends."""

    choice: BenchChoice
    report: Path | None = None
    """Where the record and the log of each run go; None: they are thrown away."""
    workers: int = 1
    patience_s: float = PATIENCE_S
    first: int = 1
    """The number of the first run, with which the names of its files begin."""

    def perform(
        self,
        runs: Sequence[PlannedRun],
        on_result: Callable[[RunResult], None],
        on_way: Callable[[list[RunUnderWay]], None] = lambda runs: None,
    ) -> list[RunResult]:
        """`on_result` is called as each run ends, `on_way` with those under way each `LOOK_S`.

        Raises BenchMissing before the first run where there is no bench, and RunsInterrupted.
        """
        self.choice.prepare()  # here, so that no child has to import it again
        gc.collect()
        gc.freeze()
        try:
            with tempfile.TemporaryDirectory(prefix="hil-run-") as scratch:
                return self._perform(runs, on_result, on_way, Path(scratch))
        finally:
            gc.unfreeze()

    def _perform(
        self,
        runs: Sequence[PlannedRun],
        on_result: Callable[[RunResult], None],
        on_way: Callable[[list[RunUnderWay]], None],
        scratch: Path,
    ) -> list[RunResult]:
        results: dict[int, RunResult] = {}
        waiting = deque(enumerate(runs))
        working: dict[int, ForkedCall] = {}

        def keep(place: int, result: RunResult) -> None:
            results[place] = result
            on_result(result)

        try:
            while waiting or working:
                while waiting and len(working) < self.workers:
                    place, run = waiting.popleft()
                    if unfit := self.choice.unfit(run):
                        keep(place, RunResult(run, ScenarioVerdict.SKIPPED, unfit))
                    else:
                        working[place] = self._start(place, run, scratch)
                on_way([_under_way(runs[place], call) for place, call in working.items()])
                done = ended(list(working.values()), LOOK_S)
                for place, call in [(place, call) for place, call in working.items() if call in done]:
                    result = self._result(call, runs[place])
                    call.end()
                    del working[place]
                    keep(place, result)
        except KeyboardInterrupt:
            raise RunsInterrupted([results[place] for place in sorted(results)]) from None
        finally:
            for call in working.values():
                call.end()
        return [results[place] for place in sorted(results)]

    def _start(self, place: int, run: PlannedRun, scratch: Path) -> ForkedCall:
        kept = self.report if self.report is not None else scratch
        kept.mkdir(parents=True, exist_ok=True)
        name = f"{self.first + place:03}-{file_name(run.name)}"
        folder = scratch / str(place) if self.report is None else self.report / name
        folder.mkdir(exist_ok=True)
        record = None if self.report is None else self.report / f"{name}.jsonl"
        return ForkedCall.start(
            partial(_perform_in, run, self.choice, folder, record),
            kept / f"{name}.log",
            run.time_limit_s + self.patience_s,
        )

    def _result(self, call: ForkedCall, run: PlannedRun) -> RunResult:
        try:
            result = call.result()
        except CallDied as died:
            return replace(
                broken_bench(run, f"the process of this run {died}"),
                seconds=time.monotonic() - call.began,
                seed=self.choice.seed,
                virtual=self.choice.virtual,
                facts=self.choice.facts,
            )
        assert isinstance(result, RunResult)
        return result


def _under_way(run: PlannedRun, call: ForkedCall) -> RunUnderWay:
    progress = call.noted if isinstance(call.noted, RunProgress) else None
    return RunUnderWay(run, time.monotonic() - call.began, progress)


@dataclass(slots=True)
class _PacedNotes:
    """Progress on its way to the parent, not more often than that can show it."""

    note: Note
    noted: float = 0.0

    def take(self, progress: RunProgress) -> None:
        now = time.monotonic()
        if now - self.noted >= LOOK_S:
            self.noted = now
            self.note(progress)


def _perform_in(run: PlannedRun, choice: BenchChoice, folder: Path, record: Path | None, note: Note) -> RunResult:
    result = perform(run, choice, folder, record, _PacedNotes(note).take)
    with contextlib.suppress(OSError):  # the bench left something in it
        folder.rmdir()
    return result


def file_name(run_name: str) -> str:
    """The name of a run as the name of a file."""
    return re.sub(r"[^A-Za-z0-9=.+-]+", "-", run_name).strip("-.")[:80] or "run"
