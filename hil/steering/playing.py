"""A scenario on a live bench: its steps, performed by the runner of scenarios, on the bench as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from hil.bench.bench import Bench
from hil.bench.needs import BenchNeeds
from hil.bench.port import NotDone
from hil.record.line import Json
from hil.scenario.bench_words import BenchWords, words_of_bench
from hil.scenario.result import RunResult, verdict_of
from hil.scenario.runner import ScenarioRunner
from hil.scenario.selection import NothingSelected, select
from hil.scenario.step import PlannedRun
from hil.simulators.line_socket import Refused
from hil.steering.watched_bench import WatchedBench

STORY = "demo"
"""Name of the shipped scenario that plays the demo's story."""


def runs_of(scenario: str, only: str | None) -> tuple[PlannedRun, ...]:
    """The runs of a file or of a shipped scenario. Raises Refused with every mistake in it."""
    try:
        selected = select([scenario], words(), only)
    except NothingSelected as error:
        raise Refused(f"scenario = {scenario!r}: {error}") from error
    mistakes = [str(mistake) for mistake in selected.mistakes]
    if mistakes:
        raise Refused(f"scenario = {scenario!r}: {'; '.join(mistakes)}")
    if not selected.runs:
        raise Refused(f"scenario = {scenario!r}: no run stands in it; name a file with steps")
    return selected.runs


async def play(
    watched: WatchedBench, bench: Bench, runs: tuple[PlannedRun, ...], to_idle: Callable[[], Awaitable[None]] | None
) -> dict[str, Json]:
    """Each run after the other, the bench idle before each but where `to_idle` is None. Raises Refused before the first.

    Returns verdict and reasons.
    """
    for run in runs:
        if unfit := _unfit(run, bench):
            raise Refused(f"{run.name}: {unfit}")
    if to_idle is None and len(runs) > 1:
        raise Refused(
            f"{len(runs)} runs stand there: without idle between them only one is possible; name it with only"
        )
    results: list[RunResult] = []
    watched.keeps_all = True
    try:
        for run in runs:
            if to_idle is not None:
                await to_idle()
            if plan := run.needs.get("plan"):
                for car in bench.cars.values():
                    car.change_plan(plan)
            await watched.look()
            results.append(await ScenarioRunner(watched, run).run())
    finally:
        watched.keeps_all = False
    return {
        "verdict": verdict_of(result.verdict for result in results).value,
        "reasons": [f"{each.run.name}, line {each.line}: {each.reason}" for each in results if each.reason],
        "runs": [_shown(result) for result in results],
    }


def _shown(result: RunResult) -> dict[str, Json]:
    whole = result.as_json()
    kept: dict[str, Json] = {name: whole[name] for name in ("name", "file", "verdict", "reason", "line", "bench_s")}
    return {**kept, "steps": whole["steps"]}


def _unfit(run: PlannedRun, bench: Bench) -> str:
    """Why this bench is not the one that the scenario needs; empty: it is."""
    if run.virtual_only:
        return f"{run.virtual_only} needs a bench in virtual time: ./run hil run --virtual"
    try:
        wanted = BenchNeeds.read(run.needs)
    except NotDone as error:
        return str(error)
    choices = bench.choices
    car = None if choices.car is None else choices.car.name
    there: Mapping[str, Any] = {
        "outlet": "ac" if choices.ac else "dc",
        "car": car,
        "tls": choices.tls,
        "module": choices.module,
        "control_mode": choices.control_mode,
        "self_test_s": choices.self_test_s,
    }
    for name, has in there.items():
        if name in run.needs and getattr(wanted, name) != has:
            return f"it needs bench.{name} = {getattr(wanted, name)}, and this bench has {has}: start a bench with that"
    if wanted.evses > len(bench.cars):
        return f"it needs {wanted.evses} EVSEs, and this bench has {len(bench.cars)}: start one with --evses {wanted.evses}"
    if wanted.config:
        return "it needs a configuration of its own (bench.config): perform it with ./run hil run"
    return ""


@cache
def words() -> BenchWords:
    """All words of the bench; the first call takes a while."""
    return words_of_bench()
