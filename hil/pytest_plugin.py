"""Scenario files as pytest items, and fixtures of a bench: for this repository and for others.

Files `*.scenario.yaml` are items; other YAML files only in folders that the ini option `hil_scenarios` names. An async test
with the fixture `bench` runs in a process of its own, in virtual time. The page: docs/scenarios.md.
"""

from __future__ import annotations

import asyncio
import inspect
import pickle
import shlex
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import pytest

# Everything of the bench is imported where it is used: a suite without scenarios pays nothing for this plugin.
if TYPE_CHECKING:
    from hil.scenario.bench_door import BenchChoice
    from hil.scenario.result import RunResult
    from hil.scenario.step import PlannedRun
    from hil.scenario.views import BenchView, SeerView

ENDING = ".scenario.yaml"
_NUMBERS = pytest.StashKey[dict[str, int]]()
_RESULTS = pytest.StashKey[dict[int, "RunResult"]]()
_OUTPUT = "hil_results"
_BEGAN = datetime.now(UTC)
TEST_PATIENCE_S = 600.0
"""A test with a bench that takes longer fails; seconds of this computer."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line, and of the ini file."""
    group = parser.getgroup("hil", "scenarios of the bench")
    group.addoption("--hil-realtime", action="store_true", help="benches in real time, not in virtual time")
    group.addoption("--hil-seed", type=int, default=0, help="of everything that is random on a bench; default 0")
    group.addoption("--hil-bench", type=Path, default=None, help="file: what real devices replace simulated ones")
    group.addoption(
        "--hil-report", type=Path, default=None, help="folder for the pages, results and records of all runs on benches"
    )
    parser.addini("hil_scenarios", "folders whose YAML files are scenarios", type="paths", default=[])
    parser.addini("hil_open_bench", "MODULE:FUNCTION that opens a bench", default="")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Each item has a number, the same in each process of pytest-xdist: names of files begin with it."""
    session.config.stash[_NUMBERS] = {item.nodeid: number for number, item in enumerate(session.items, start=1)}
    session.config.stash[_RESULTS] = {}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The pages of `--hil-report`. A process of pytest-xdist hands its results to the one that began it."""
    results = session.config.stash.get(_RESULTS, {})
    if not results:
        return
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[_OUTPUT] = pickle.dumps(results)
        return
    from hil.scenario.result_files import write_all

    write_all(session.config.getoption("--hil-report"), [results[number] for number in sorted(results)], _BEGAN)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of pytest-xdist has ended: its results become ours."""
    if (output := getattr(node, "workeroutput", {}).get(_OUTPUT)) is not None:
        node.config.stash.setdefault(_RESULTS, {}).update(pickle.loads(output))


def _keep(item: pytest.Item, result: RunResult) -> None:
    """For the pages, where somebody wants them."""
    if item.config.getoption("--hil-report") is not None:
        item.config.stash[_RESULTS][_number_of(item)] = replace(result, repeat=_repeat_command(item, result))


def _repeat_command(item: pytest.Item, result: RunResult) -> str:
    return f"pytest {shlex.quote(item.nodeid)} --hil-seed {result.seed}"


def _number_of(item: pytest.Item) -> int:
    return item.config.stash[_NUMBERS][item.nodeid]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario file, by its ending or by its folder."""
    folders = parent.config.getini("hil_scenarios")
    named = file_path.suffix == ".yaml" and any(file_path.is_relative_to(folder) for folder in folders)
    return ScenarioFile.from_parent(parent, path=file_path) if named or file_path.name.endswith(ENDING) else None


class ScenarioFile(pytest.File):
    """One file; each combination of its matrix is an item."""

    def collect(self) -> Iterable[pytest.Item]:
        """Raises CollectError with every mistake of the file."""
        from hil.scenario.bench_words import words_of_bench
        from hil.scenario.reading import read_scenario

        found = read_scenario(self.path, words_of_bench())
        if found.mistakes:
            raise self.CollectError("\n".join(map(str, found.mistakes)))
        for run in found.runs():
            yield ScenarioItem.from_parent(self, name=run.name, run=run)


class ScenarioFailed(Exception):
    """A run that did not pass."""

    def __init__(self, result: RunResult) -> None:
        super().__init__(result.reason)
        self.result = result


class ScenarioItem(pytest.Item):
    """One run. Its tags are keywords (`-k`), its measurements are properties in JUnit files."""

    def __init__(self, *, run: PlannedRun, **more: Any) -> None:
        super().__init__(**more)
        self.planned = run
        self.extra_keyword_matches.update(run.tags)

    def runtest(self) -> None:
        """Raises ScenarioFailed; a run that this bench cannot do is skipped."""
        from hil.scenario.forked_runs import ForkedRuns, RunsInterrupted
        from hil.scenario.result import ScenarioVerdict

        report = self.config.getoption("--hil-report")
        runs = ForkedRuns(_choice(self.config), report, first=_number_of(self))
        try:
            (result,) = runs.perform([self.planned], lambda result: None)
        except RunsInterrupted:
            raise KeyboardInterrupt from None  # it is pytest's own
        _keep(self, result)
        for measured in result.measured:
            self.user_properties.append((measured.name, f"{measured.value} {measured.unit}".strip()))
        if result.verdict is ScenarioVerdict.SKIPPED:
            pytest.skip(result.reason)
        if result.verdict is not ScenarioVerdict.PASSED:
            raise ScenarioFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The reason and all steps in place of a traceback."""
        if not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo, style)
        from hil.scenario.result_files import step_lines

        result = excinfo.value.result
        line = f":{result.line}" if result.line else ""
        head = f"{result.run.file}{line}: {result.verdict.value}: {result.reason}"
        return "\n".join((head, f"repeat: {_repeat_command(self, result)}", "", *step_lines(result)))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and the run."""
        return self.path, None, self.name


def _choice(config: pytest.Config) -> BenchChoice:
    from hil.scenario.bench_door import OPEN_BENCH, BenchChoice

    return BenchChoice(
        virtual=not config.getoption("--hil-realtime"),
        seed=config.getoption("--hil-seed"),
        bench_file=config.getoption("--hil-bench"),
        opened_by=config.getini("hil_open_bench") or OPEN_BENCH,
    )


@pytest.fixture
def bench_needs() -> Mapping[str, Any]:
    """What a test needs of its bench, as in the `bench:` section of a scenario. Give a fixture of this name to change it."""
    return {}


@pytest.fixture
def bench(bench_needs: Mapping[str, Any]) -> BenchView:
    """The bench of an async test: `await bench.do("plug")`, `await bench.expect({"contactor": "closed"}, within_s=20)`."""
    from hil.scenario.bench_words import words_of_bench
    from hil.scenario.views import BenchView

    return BenchView(words_of_bench())


@pytest.fixture
def plant(bench: BenchView) -> SeerView:
    """The physics: `plant.power_W`, `plant.contactor`; `await plant.e_stop()`."""
    from hil.record.line import Seer
    from hil.scenario.views import PLANT_VERBS, SeerView

    return SeerView(bench, Seer.PLANT, PLANT_VERBS)


@pytest.fixture
def car(bench: BenchView) -> SeerView:
    """The car: `await car.plug()`, `car.car_loops`."""
    from hil.record.line import Seer
    from hil.scenario.views import CAR_VERBS, SeerView

    return SeerView(bench, Seer.CAR, CAR_VERBS)


@pytest.fixture
def csms(bench: BenchView) -> SeerView:
    """The central system: `await csms.setpoint(power_W=5000)`, `csms.csms_transactions`."""
    from hil.record.line import Seer
    from hil.scenario.views import CSMS_VERBS, SeerView

    return SeerView(bench, Seer.CSMS, CSMS_VERBS)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An async test with the fixture `bench` of this plugin runs in a forked child, on a bench of its own."""
    given = pyfuncitem.funcargs.get("bench")
    test = inspect.unwrap(pyfuncitem.obj)
    if given is None or not inspect.iscoroutinefunction(test):
        return None
    from hil.scenario.views import BenchView

    if not isinstance(given, BenchView):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    if pyfuncitem.instance is not None and not inspect.ismethod(test):
        test = test.__get__(pyfuncitem.instance)
    needs: Any = pyfuncitem.funcargs["bench_needs"]
    _run_forked(pyfuncitem, test, arguments, given, needs)
    return True


def _from_test_on(error: BaseException, test: Any) -> TracebackType | None:
    """The traceback without what leads to the test; all of it where the test is not in it."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code is not test.__code__:
        place = place.tb_next
    return place or error.__traceback__


def _run_forked(
    item: pytest.Function, test: Any, arguments: Mapping[str, Any], view: BenchView, needs: Mapping[str, Any]
) -> None:
    """Run a coroutine function in a child with a bench. Raises pytest's own failure with the text of the child's."""
    from hil.scenario.bench_door import in_time_of_bench, write_record
    from hil.scenario.forked_call import CallDied, ForkedCall, ended
    from hil.scenario.forked_runs import file_name

    choice = _choice(item.config)
    scratch = Path(tempfile.mkdtemp(prefix="hil-test-"))
    report: Path | None = item.config.getoption("--hil-report")
    results: list[RunResult] = []

    async def on_a_bench() -> None:
        opened = choice.open_bench()(choice.needs(needs), scratch, virtual=choice.virtual, seed=choice.seed)
        async with opened as port:
            view.attach(port, item.path, item.name)
            try:
                await test(**arguments)
                await view.finish()
            finally:
                if report is not None:
                    record = report / f"{_number_of(item):03}-{file_name(item.name)}.jsonl"
                    results.append(
                        replace(await view.result(), record_file=write_record(port, record), facts=dict(port.facts))
                    )

    def in_child(note: object) -> tuple[str, str, list[RunResult]]:
        trouble = reason = ""
        try:
            in_time_of_bench(on_a_bench, virtual=choice.virtual)
        except (Exception, asyncio.CancelledError, pytest.fail.Exception) as error:
            trouble = "".join(traceback.format_exception(error.with_traceback(_from_test_on(error, test))))
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return trouble, reason, results

    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
    choice.prepare()  # here, so that no child has to import it again
    call = ForkedCall.start(in_child, scratch / "log", TEST_PATIENCE_S)
    try:
        ended([call])
        trouble, reason, kept = cast("tuple[str, str, list[RunResult]]", call.result())
    except CallDied as died:
        trouble, reason, kept = f"the process of this test {died}", "", []
    finally:
        call.end()
        log = scratch / "log"
        printed = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        shutil.rmtree(scratch, ignore_errors=True)
    for result in kept:
        _keep(item, _judged(result, reason, choice, time.monotonic() - call.began))
    print(printed, end="")  # noqa: T201  (pytest shows it with a failure)
    if trouble:
        pytest.fail(trouble, pytrace=False)


def _judged(result: RunResult, reason: str, choice: BenchChoice, seconds: float) -> RunResult:
    """The result of a test: what broke the test decides, where its steps passed."""
    from hil.scenario.result import ScenarioVerdict

    known = replace(
        result, seconds=seconds, seed=choice.seed, virtual=choice.virtual, facts={**choice.facts, **result.facts}
    )
    if not reason or result.verdict is not ScenarioVerdict.PASSED:
        return known
    return replace(known, verdict=ScenarioVerdict.FAILED, reason=reason)
