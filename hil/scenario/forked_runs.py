"""Runs in processes of their own: each is a forked child of a parent that has everything imported, with a time-out.

A crash, a leak or a hang stays with its run: its verdict is an error of the bench.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from hil.scenario.bench_door import BenchChoice, broken_bench, perform
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.step import PlannedRun

PATIENCE_S = 120.0
"""On this computer's clock, beyond the scenario's own time limit: for opening and closing the bench."""
LOG_TAIL = 5
"""So many lines of the log of a crashed run stand in its reason."""


@dataclass(slots=True)
class _Child:
    place: int
    run: PlannedRun
    process: ForkProcess
    results: Connection
    folder: Path
    log: Path
    deadline: float
    began: float


@dataclass(slots=True)
class ForkedRuns:
    """Performs runs, so many at once. Results come in the order of the runs, whatever the order of their ends."""

    choice: BenchChoice
    report: Path | None = None
    """Where the record and the log of each run go; None: they are thrown away."""
    workers: int = 1
    patience_s: float = PATIENCE_S

    def perform(self, runs: Sequence[PlannedRun], on_result: Callable[[RunResult], None]) -> list[RunResult]:
        """`on_result` is called as each run ends. Raises BenchMissing before the first run where there is no bench."""
        self.choice.open_bench()  # here, so that no child has to import it again
        gc.collect()
        gc.freeze()
        results: dict[int, RunResult] = {}
        waiting = deque(enumerate(runs))
        working: list[_Child] = []
        with tempfile.TemporaryDirectory(prefix="hil-run-") as scratch:
            try:
                while waiting or working:
                    while waiting and len(working) < self.workers:
                        place, run = waiting.popleft()
                        if unfit := self.choice.unfit(run):
                            results[place] = RunResult(run, ScenarioVerdict.SKIPPED, unfit)
                            on_result(results[place])
                        else:
                            working.append(self._start(place, run, Path(scratch)))
                    for child in self._ended(working):
                        working.remove(child)
                        results[child.place] = self._result(child)
                        on_result(results[child.place])
            finally:
                for child in working:
                    _end(child)
                gc.unfreeze()
        return [results[place] for place in sorted(results)]

    def _start(self, place: int, run: PlannedRun, scratch: Path) -> _Child:
        kept = self.report if self.report is not None else scratch
        kept.mkdir(parents=True, exist_ok=True)
        name = f"{place + 1:03}-{file_name(run.name)}"
        folder = scratch / str(place)
        folder.mkdir()
        log = kept / f"{name}.log"
        record = None if self.report is None else self.report / f"{name}.jsonl"
        context = multiprocessing.get_context("fork")
        receives, sends = context.Pipe(duplex=False)
        process = context.Process(target=_in_child, args=(run, self.choice, folder, log, record, sends))
        sys.stdout.flush()
        sys.stderr.flush()
        process.start()
        sends.close()
        began = time.monotonic()
        return _Child(place, run, process, receives, folder, log, began + run.time_limit_s + self.patience_s, began)

    def _ended(self, working: Sequence[_Child]) -> list[_Child]:
        """Those that ended, or that take too long; waits for the next one."""
        left_s = max(0.0, min((child.deadline for child in working), default=0.0) - time.monotonic())
        ready = wait([child.results for child in working], left_s) if working else []
        now = time.monotonic()
        return [child for child in working if child.results in ready or child.deadline <= now]

    def _result(self, child: _Child) -> RunResult:
        result: RunResult | None = None
        late = not child.results.poll()
        if not late:
            with contextlib.suppress(EOFError):
                result = child.results.recv()
                child.process.join(timeout=5.0)
        exit_code = child.process.exitcode
        _end(child)
        if result is None:
            how = (
                f"took longer than {child.run.time_limit_s + self.patience_s:.0f} s"
                if late
                else _died(child, exit_code)
            )
            result = broken_bench(child.run, f"the process of this run {how}{_tail(child.log)}")
            result = replace(
                result,
                seconds=time.monotonic() - child.began,
                seed=self.choice.seed,
                virtual=self.choice.virtual,
                facts=self.choice.facts,
            )
        shutil.rmtree(child.folder, ignore_errors=True)
        if self.report is not None and child.log.exists() and not child.log.stat().st_size:
            child.log.unlink()
        return result


def file_name(run_name: str) -> str:
    """The name of a run as the name of a file."""
    return re.sub(r"[^A-Za-z0-9=.+-]+", "-", run_name).strip("-.")[:80] or "run"


def _in_child(
    run: PlannedRun, choice: BenchChoice, folder: Path, log: Path, record: Path | None, sends: Connection
) -> None:
    os.setsid()  # what the bench starts ends with this group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    into = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(into, 1)
    os.dup2(into, 2)
    result = perform(run, choice, folder, record)
    sends.send(result)
    sends.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # no thread or handler of the parent's is waited for


def _end(child: _Child) -> None:
    """End the child's whole group, whatever is left of it."""
    if child.process.pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
    child.process.join()
    child.results.close()


def _died(child: _Child, exit_code: int | None) -> str:
    child.process.join(timeout=5.0)
    code = child.process.exitcode if exit_code is None else exit_code
    if code is not None and code < 0:
        return f"died of {signal.Signals(-code).name}"
    return f"ended with exit status {code} and without a result"


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    last = [line.strip() for line in lines[-LOG_TAIL:] if line.strip()]
    return f"; the end of its log: {' | '.join(last)}" if last else ""
