"""Scenario files as pytest items, and fixtures of a bench: for this repository and for others.

Files `*.scenario.yaml` are items; other YAML files only in folders that the ini option `hil_scenarios` names. An async test
with the fixture `bench` runs in a process of its own, in virtual time. The page: docs/scenarios.md.
"""

from __future__ import annotations

import asyncio
import inspect
import shutil
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

# Everything of the bench is imported where it is used: a suite without scenarios pays nothing for this plugin.
if TYPE_CHECKING:
    from hil.scenario.bench_door import BenchChoice
    from hil.scenario.result import RunResult
    from hil.scenario.step import PlannedRun
    from hil.scenario.views import BenchView, SeerView

ENDING = ".scenario.yaml"
TEST_PATIENCE_S = 600.0
"""A test with a bench that takes longer fails; seconds of this computer."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line, and of the ini file."""
    group = parser.getgroup("hil", "scenarios of the bench")
    group.addoption("--hil-realtime", action="store_true", help="benches in real time, not in virtual time")
    group.addoption("--hil-seed", type=int, default=0, help="of everything that is random on a bench; default 0")
    group.addoption("--hil-bench", type=Path, default=None, help="file: what real devices replace simulated ones")
    group.addoption("--hil-report", type=Path, default=None, help="folder for the records of scenario files")
    parser.addini("hil_scenarios", "folders whose YAML files are scenarios", type="paths", default=[])
    parser.addini("hil_open_bench", "MODULE:FUNCTION that opens a bench", default="")


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
        from hil.scenario.forked_runs import ForkedRuns
        from hil.scenario.result import ScenarioVerdict

        runs = ForkedRuns(_choice(self.config), self.config.getoption("--hil-report"))
        (result,) = runs.perform([self.planned], lambda result: None)
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
        return "\n".join((f"{result.run.file}{line}: {result.verdict.value}: {result.reason}", "", *step_lines(result)))

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
    _run_forked(test, arguments, given, needs, _choice(pyfuncitem.config))
    return True


def _from_test_on(error: BaseException, test: Any) -> TracebackType | None:
    """The traceback without what leads to the test; all of it where the test is not in it."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code is not test.__code__:
        place = place.tb_next
    return place or error.__traceback__


def _run_forked(
    test: Any, arguments: Mapping[str, Any], view: BenchView, needs: Mapping[str, Any], choice: BenchChoice
) -> None:
    """Run a coroutine function in a child with a bench. Raises pytest's own failure with the text of the child's."""
    from hil.scenario.bench_door import in_time_of_bench
    from hil.scenario.forked_call import CallDied, ForkedCall, ended

    scratch = Path(tempfile.mkdtemp(prefix="hil-test-"))

    async def on_a_bench() -> None:
        opened = choice.open_bench()(choice.needs(needs), scratch, virtual=choice.virtual, seed=choice.seed)
        async with opened as port:
            view.attach(port)
            await test(**arguments)
            await view.finish()

    def in_child(note: object) -> str:
        try:
            in_time_of_bench(on_a_bench, virtual=choice.virtual)
        except (Exception, asyncio.CancelledError, pytest.fail.Exception) as error:
            return "".join(traceback.format_exception(error.with_traceback(_from_test_on(error, test))))
        return ""

    choice.open_bench()  # here, so that no child has to import it again
    call = ForkedCall.start(in_child, scratch / "log", TEST_PATIENCE_S)
    try:
        ended([call])
        trouble = str(call.result())
    except CallDied as died:
        trouble = f"the process of this test {died}"
    finally:
        call.end()
        log = scratch / "log"
        printed = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        shutil.rmtree(scratch, ignore_errors=True)
    print(printed, end="")  # noqa: T201  (pytest shows it with a failure)
    if trouble:
        pytest.fail(trouble, pytrace=False)
