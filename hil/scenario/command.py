"""`./run hil check` and `./run hil run`: the command line of scenarios."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from chargepoint import __version__
from hil.attach.bench_file import BenchFile, BenchFileError
from hil.report.report_files import INDEX
from hil.scenario.bench_door import OPEN_BENCH, BenchChoice, BenchMissing
from hil.scenario.bench_words import BenchWords, words_of_bench
from hil.scenario.forked_runs import ForkedRuns, RunsInterrupted
from hil.scenario.mistakes import ScenarioMistake
from hil.scenario.result import RunResult, ScenarioVerdict, verdict_of
from hil.scenario.result_files import step_lines, write_all
from hil.scenario.selection import NothingSelected, Selected, Shard, select
from hil.scenario.shown_runs import COLOURS, ShownRuns, is_terminal
from hil.scenario.step import PlannedRun

EXIT_FAILED = 1
EXIT_UNUSABLE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Scenarios: tests of a controller in YAML. The language: docs/scenarios.md."""


@main.command()
@click.argument("asked", nargs=-1, metavar="[PATH|TAG]...")
def check(asked: tuple[str, ...]) -> None:
    """Read scenario files and report every mistake in them. Nothing named: all shipped ones.

    Exit status 0: no mistake. 2: at least one.
    """
    selected = _select(asked, _words(), None)
    if not selected.files:
        _unusable("no scenario file is there: name a file or a folder")
    _report_mistakes(selected.mistakes)
    runs, files = len(selected.runs), len(selected.files)
    click.echo(f"{files} {_plural('file', files)}, {runs} {_plural('run', runs)}: no mistake")


@main.command()
@click.argument("asked", nargs=-1, metavar="[PATH|TAG]...")
@click.option(
    "--virtual/--realtime",
    "virtual",
    default=None,
    help="all simulated on a clock that leaps (default), or in real time (default with --bench)",
)
@click.option(
    "--bench",
    "bench_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="what of the bench is real: docs/bench-file.md",
)
@click.option("--shard", metavar="I/N", help="only the I-th of N shares of the runs, for several computers")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="so many runs at once; without it one for each processor in virtual time, and one alone in real time",
)
@click.option("--seed", type=int, default=0, show_default=True, help="of everything that is random on the bench")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="folder for results.json, junit.xml, measurements.csv and the record of each run",
)
@click.option("--only", metavar="NAME", help="the one run with this name, as --list shows it")
@click.option("--list", "lists", is_flag=True, help="list the runs and perform none")
@click.option("--opened-by", default=OPEN_BENCH, hidden=True, help="MODULE:FUNCTION that opens a bench")
def run(
    asked: tuple[str, ...],
    virtual: bool | None,
    bench_file: Path | None,
    shard: str | None,
    workers: int | None,
    seed: int,
    report: Path | None,
    only: str | None,
    lists: bool,
    opened_by: str,
) -> None:
    """Perform scenarios: files, folders, or those shipped with one of the tags. Nothing named: all shipped ones.

    Exit status 0: all passed. 1: one failed. 2: a bench or a file was unusable.
    """
    selected = _select(asked, _words(), only)
    _report_mistakes(selected.mistakes)
    try:
        runs = Shard.parse(shard).share(selected.runs) if shard else list(selected.runs)
    except ValueError as error:
        _unusable(f"--shard {error}")
    if bench_file is not None and opened_by == OPEN_BENCH:
        try:
            BenchFile.read(bench_file)
        except BenchFileError as error:
            _unusable(str(error))
    if lists:
        for each in runs:
            tags = f"  [{', '.join(each.tags)}]" if each.tags else ""
            click.echo(f"{_shown(each.file)}: {each.name}{tags}")
        return
    if not runs and shard and selected.runs:
        click.echo(f"no run falls to shard {shard}: there are only {len(selected.runs)}")
        return
    if not runs:
        _unusable("no run is selected: name a file, a folder or a tag; --list shows them")
    if report is not None:
        _make_folder(report)
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "bench_file": str(bench_file) if bench_file else "",
    }
    choice = BenchChoice(bench_file is None if virtual is None else virtual, seed, bench_file, opened_by, facts)
    at_once = workers or (_processors() if choice.virtual else 1)
    terminal = is_terminal(sys.stdout)
    shown = ShownRuns(len(runs), at_once, sys.stdout, lambda result: _trouble(result, choice), terminal)
    began = datetime.now(UTC)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    interrupted = False
    try:
        results = ForkedRuns(choice, report, at_once).perform(runs, shown.ended, shown.under_way)
    except BenchMissing as error:
        _unusable(str(error))
    except RunsInterrupted as ended:
        results, interrupted = ended.results, True
    except KeyboardInterrupt:
        _unusable("ended before the first run")
    finally:
        shown.close()
        signal.signal(signal.SIGTERM, before)
    results = [replace(result, repeat=repeat_command(result.run, choice)) for result in results]
    if report is not None:
        write_all(report, results, began)
    _print_summary(results, report)
    if interrupted:
        _unusable(f"ended after {len(results)} of {len(runs)} runs; the others were not performed")
    sys.exit(exit_status(results))


def repeat_command(run: PlannedRun, choice: BenchChoice) -> str:
    """The command that performs this run again."""
    words = ["./run", "hil", "run", _shown(run.file), "--only", run.name]
    words += ["--virtual" if choice.virtual else "--realtime", "--seed", str(choice.seed)]
    if choice.bench_file is not None:
        words += ["--bench", str(choice.bench_file)]
    if choice.opened_by != OPEN_BENCH:
        words += ["--opened-by", choice.opened_by]
    return shlex.join(words)


def exit_status(results: Sequence[RunResult]) -> int:
    """An error of the bench outweighs a failure: it says nothing about the controller."""
    match verdict_of(result.verdict for result in results):
        case ScenarioVerdict.ERROR:
            return EXIT_UNUSABLE
        case ScenarioVerdict.FAILED:
            return EXIT_FAILED
    return 0


def _trouble(result: RunResult, choice: BenchChoice) -> list[str]:
    """Of a run that did not pass: its reason, and the command that repeats it."""
    match result.verdict:
        case ScenarioVerdict.PASSED:
            return []
        case ScenarioVerdict.SKIPPED:
            return [result.reason]
    line = f":{result.line}" if result.line else ""
    return [f"{_shown(result.run.file)}{line}: {result.reason}", f"repeat: {repeat_command(result.run, choice)}"]


def _print_summary(results: Sequence[RunResult], report: Path | None) -> None:
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in ScenarioVerdict}
    words = [
        click.style(f"{count} {verdict.value}", fg=COLOURS.get(verdict)) for verdict, count in counts.items() if count
    ]
    bench_s, seconds = sum(result.bench_s for result in results), sum(result.seconds for result in results)
    click.echo(f"\n{', '.join(words)}; {bench_s:.0f} s of the bench in {seconds:.0f} s")
    bad = [result for result in results if result.verdict in (ScenarioVerdict.FAILED, ScenarioVerdict.ERROR)]
    if len(bad) == 1:
        click.echo("\n".join(("", *step_lines(bad[0]))))
    if report is not None:
        click.echo(f"report: {report / INDEX}")


def _words() -> BenchWords:
    try:
        return words_of_bench()
    except (ImportError, ValueError) as error:
        _unusable(f"the words of the bench cannot be read: {error}")


def _select(asked: Sequence[str], words: BenchWords, only: str | None) -> Selected:
    try:
        return select(asked, words, only)
    except NothingSelected as error:
        _unusable(str(error))


def _make_folder(report: Path) -> None:
    """Before the first run: hours of results must not end at a folder that cannot be written."""
    try:
        report.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=report):
            pass
    except OSError as error:
        _unusable(f"--report {str(report)!r}: {error.strerror}; name a folder that can be written")


def _report_mistakes(mistakes: Sequence[ScenarioMistake]) -> None:
    for mistake in mistakes:
        click.echo(f"{_shown(mistake.file)}:{mistake.line}: {mistake.text}", err=True)
    if mistakes:
        _unusable(f"{len(mistakes)} {_plural('mistake', len(mistakes))}")


def _unusable(text: str) -> NoReturn:
    click.echo(f"hil: {text}", err=True)
    sys.exit(EXIT_UNUSABLE)


def _shown(file: Path) -> str:
    """From the present folder, where that is shorter."""
    relative = os.path.relpath(file)
    return relative if len(relative) < len(str(file)) else str(file)


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
