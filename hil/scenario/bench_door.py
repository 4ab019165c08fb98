"""Opening a bench for one run: by the name of a function, in virtual or in real time, and what came of the run on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hil.bench.port import BenchPort, NotDone
from hil.record import json_lines
from hil.record.line import STATION, Json
from hil.record.record import BenchRecord
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.run_progress import RunProgress
from hil.scenario.runner import ScenarioRunner, not_reached
from hil.scenario.step import PlannedRun
from hil.virtual.loop import VirtualLoop

T = TypeVar("T")

LOST_MAX_S = 0.1
"""Less than the controller waits for any device."""
OPEN_BENCH = "hil.bench.opening:open_bench"


class OpenBench(Protocol):
    """Opens a bench that has what a scenario needs, in this empty folder; leaving the context closes it."""

    def __call__(
        self, needs: Mapping[str, Json], folder: Path, *, virtual: bool, seed: int
    ) -> AbstractAsyncContextManager[BenchPort]: ...


@dataclass(frozen=True, slots=True)
class BenchChoice:
    """How benches are opened for all runs of one command."""

    virtual: bool = True
    seed: int = 0
    bench_file: Path | None = None
    """What real devices replace simulated ones: the bench gets it among its needs as `bench_file`."""
    opened_by: str = OPEN_BENCH
    facts: Mapping[str, Json] = field(default_factory=dict)

    def open_bench(self) -> OpenBench:
        """The function itself; importing it may take a while. Raises BenchMissing."""
        module, _, name = self.opened_by.partition(":")
        try:
            found: OpenBench = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise BenchMissing(f"no bench can be opened by {self.opened_by}: {error}") from error
        return found

    def prepare(self) -> None:
        """Import everything that runs will need, so that no forked run has to. Raises BenchMissing."""
        self.open_bench()
        if self.virtual and self.opened_by == OPEN_BENCH:
            # imported here: it is the controller's whole code, which a bench in real time does without
            from hil.virtual.controller import prepare

            prepare()

    def needs(self, needs: Mapping[str, Json]) -> dict[str, Json]:
        """What a scenario needs, with the bench file where one is chosen."""
        extra: dict[str, Json] = {"bench_file": str(self.bench_file.resolve())} if self.bench_file else {}
        return {**needs, **extra}

    def unfit(self, run: PlannedRun) -> str:
        """Why the run cannot be done in this time; empty: it can."""
        if self.virtual and run.realtime_only:
            return f"{run.realtime_only} needs a bench in real time: add --realtime"
        if not self.virtual and run.virtual_only:
            return f"{run.virtual_only} needs a bench in virtual time: add --virtual"
        return ""


class BenchMissing(RuntimeError):
    """There is no bench by this name."""


def perform(
    run: PlannedRun,
    choice: BenchChoice,
    folder: Path,
    record_file: Path | None,
    on_progress: Callable[[RunProgress], None] = lambda progress: None,
) -> RunResult:
    """Open a bench, perform the run, write its record. Whatever goes wrong with the bench is in the result.

    Makes an event loop of its own: not to be called inside of one.
    """
    began = time.monotonic()

    try:
        result = in_time_of_bench(
            lambda: _perform(run, choice, folder, record_file, on_progress), virtual=choice.virtual
        )
    except Exception as error:
        result = broken_bench(run, f"the bench could not be used: {type(error).__name__}: {error}")
    return replace(
        result,
        seconds=time.monotonic() - began,
        seed=choice.seed,
        virtual=choice.virtual,
        facts={**choice.facts, **result.facts},
    )


def in_time_of_bench(work: Callable[[], Coroutine[Any, Any, T]], *, virtual: bool) -> T:
    """What the coroutine returns, performed in a fresh event loop of virtual or of real time."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = VirtualLoop if virtual else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work())


def broken_bench(run: PlannedRun, reason: str) -> RunResult:
    """The result of a run for which there was no bench."""
    return RunResult(run, ScenarioVerdict.ERROR, reason, 0, not_reached(run))


async def _perform(
    run: PlannedRun,
    choice: BenchChoice,
    folder: Path,
    record_file: Path | None,
    on_progress: Callable[[RunProgress], None],
) -> RunResult:
    result: RunResult | None = None
    opened: Any = choice.open_bench()(choice.needs(run.needs), folder, virtual=choice.virtual, seed=choice.seed)
    try:
        async with opened as bench:
            result = await ScenarioRunner(bench, run, on_progress=on_progress).run()
            if not choice.virtual:
                result = judged_with_lateness(result, bench.record)
            result = replace(result, facts=dict(bench.facts))
            if record_file is not None:
                result = replace(result, record_file=write_record(bench, record_file))
    except NotDone as refused:
        if result is None:
            return broken_bench(run, f"the bench could not be opened: {refused}")
        return _ended_badly(result, refused)
    except Exception as error:
        if result is None:
            raise
        return _ended_badly(result, error)
    return result


def judged_with_lateness(result: RunResult, record: BenchRecord) -> RunResult:
    """A failure on a bench that lost time of its plant says nothing about the controller: it is an error of the bench.

    A plant that loses time answers nobody meanwhile, and its hardware looks broken.
    """
    lost_s = record.latest("plant_skipped_s", STATION)
    if result.verdict is not ScenarioVerdict.FAILED or not isinstance(lost_s, float) or lost_s < LOST_MAX_S:
        return result
    reason = (
        f"the bench lost {lost_s:.2f} s of its plant's time, because this computer was busy: run it again with less beside it, "
        f"or with --virtual. What it found nevertheless: {result.reason}"
    )
    return replace(result, verdict=ScenarioVerdict.ERROR, reason=reason)


def write_record(bench: BenchPort, file: Path) -> str:
    """All lines of the bench's record into this file; returns its name."""
    file.write_text("".join(json_lines.write(bench.record.entries)), encoding="utf-8")
    return file.name


def _ended_badly(result: RunResult, error: Exception) -> RunResult:
    """A bench that cannot be closed is in trouble, but does not hide a failure of the controller."""
    if result.verdict is not ScenarioVerdict.PASSED:
        return result
    reason = f"all steps passed, and then the bench could not be closed: {type(error).__name__}: {error}"
    return replace(result, verdict=ScenarioVerdict.ERROR, reason=reason)
