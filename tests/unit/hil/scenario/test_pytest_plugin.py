"""The plugin, in suites that pytest makes for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil.scenario.bench_words import words_of_bench
from hil.scenario.views import CAR_VERBS, CSMS_VERBS, PLANT_VERBS, BenchView, SeerView
from tests.unit.hil.scenario.scripted_bench import OPENED_BY

pytest_plugins = ["pytester"]

CLOSES = "name: Closes\ntags: [quick]\nsteps:\n- do: plug\n- expect: {contactor: closed}\n  within_s: 2\n"
SLOW = "name: Slow\nmatrix: {within_s: [0.5, 2]}\nsteps:\n- do: plug\n- expect: {contactor: closed}\n  within_s: $within_s\n"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(
        f"[pytest]\nhil_open_bench = {OPENED_BY}\nhil_scenarios = benches\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
    )
    return pytester


def run(suite: pytest.Pytester, *words: str) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "hil.pytest_plugin", "-p", "no:xdist", "-p", "no:cacheprovider", *words)


def test_scenario_files_are_items_one_for_each_combination(suite: pytest.Pytester) -> None:
    (suite.path / "benches").mkdir()
    (suite.path / "closes.scenario.yaml").write_text(CLOSES)
    (suite.path / "benches/slow.yaml").write_text(SLOW)
    (suite.path / "other.yaml").write_text("a: 1\n")
    done = run(suite, "-v")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines_random(
        ["*closes.scenario.yaml::Closes PASSED*", "*slow.yaml::Slow[[]within_s=0.5] FAILED*"]
    )


def test_a_failure_shows_the_reason_and_the_steps_and_no_traceback(suite: pytest.Pytester) -> None:
    (suite.path / "slow.scenario.yaml").write_text(SLOW)
    done = run(suite)
    done.stdout.fnmatch_lines(
        [
            "*slow.scenario.yaml:5: failed: expected contactor closed within 0.5 s of line 4: contactor was open until 1.00 s*",
            "repeat: pytest *slow.scenario.yaml::Slow?within_s=0.5?* --hil-seed 0",
            "line    4 passed *do plug",
            "line    5 failed *expect contactor closed within 0.5 s*",
        ]
    )
    done.stdout.no_fnmatch_line("*Traceback*")


def test_a_file_with_mistakes_is_not_collected_and_all_are_shown(suite: pytest.Pytester) -> None:
    (suite.path / "bad.scenario.yaml").write_text("name: Bad\nsteps:\n- do: plugg\n- wait_s: -1\n")
    done = run(suite)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        ["*bad.scenario.yaml:3: do = 'plugg': unknown verb*", "*bad.scenario.yaml:4: wait_s = -1*"]
    )


def test_tags_select_and_a_run_for_real_time_only_is_skipped(suite: pytest.Pytester) -> None:
    (suite.path / "closes.scenario.yaml").write_text(CLOSES)
    (suite.path / "slow.scenario.yaml").write_text(SLOW)
    run(suite, "-k", "quick").assert_outcomes(passed=1, deselected=2)


def test_measurements_stand_in_junit_files(suite: pytest.Pytester) -> None:
    measure = "- measure: closing_s\n  from: {do: plug}\n  to: {contactor: closed}\n"
    (suite.path / "x.scenario.yaml").write_text(CLOSES + measure)
    run(suite, "--junit-xml", "out.xml").assert_outcomes(passed=1)
    assert '<property name="closing_s" value="1.0 s"' in (suite.path / "out.xml").read_text()


TESTS = """
import pytest

async def test_closes(bench, plant, car, csms):
    assert plant.contactor == "open"
    await car.plug()
    met = await bench.expect({"contactor": "closed"}, within_s=2)
    assert met.held_from_s == 1.0
    assert plant.contactor == "closed"
    assert car.car_loops is None
    await csms.setpoint(power_W=5000)
    await bench.sleep(1.0)
    assert bench.value("power_W") == 5000
    with pytest.raises(AttributeError, match="did you mean power_W"):
        plant.power_w

class TestGroup:
    async def test_in_a_class(self, bench):
        await bench.never({"contactor": "closed"}, for_s=3)

async def test_is_too_slow(bench):
    await bench.do("plug")
    await bench.expect({"contactor": "closed"}, within_s=0.5)

async def test_asserts(bench):
    print("printed by the child")
    seen = bench.value("contactor")
    assert seen == "closed"

async def test_writes_a_mistake(bench):
    await bench.expect({"contactr": "closed"})

async def test_steps_know_those_before(bench):
    await bench.step({"do": "plug"})
    met = await bench.step({"measure": "closing_s", "from": {"do": "plug"}, "to": {"contactor": "closed"}})
    assert met.measured.value == 1.0

async def test_a_watch_is_judged_at_the_end(bench):
    await bench.step({"never": {"contactor": "closed"}, "until": "end"})
    await bench.do("plug")
    await bench.port.sleep(5)

async def test_without_a_bench():
    pass

def test_not_async(bench):
    with pytest.raises(RuntimeError, match="there is no bench here"):
        bench.record
"""


def test_async_tests_get_a_bench_in_a_process_of_their_own(suite: pytest.Pytester) -> None:
    suite.makepyfile(TESTS)
    done = run(suite)
    done.assert_outcomes(passed=5, failed=4)
    done.stdout.fnmatch_lines_random(
        [
            "*expected contactor closed within 0.5 s: contactor was open until 1.00 s*",
            "*AssertionError: assert 'open' == 'closed'*",
            "*printed by the child*",
            "*contactor closed must not be true, and was 1.00 s after this step began*",
            "*expect.contactr: unknown signal; did you mean contactor*",
        ]
    )


REPORTED = """
async def test_closes(bench, car):
    await car.plug()
    await bench.expect({"contactor": "closed"}, within_s=2)

async def test_asserts(bench):
    await bench.do("plug")
    assert bench.value("contactor") == "closed", "it is not closed"
"""


@pytest.mark.parametrize("processes", [["-p", "no:xdist"], ["-p", "xdist", "-n", "2"]])
def test_a_report_has_pages_of_scenario_files_and_of_tests(
    suite: pytest.Pytester, processes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[4]))
    suite.makepyfile(REPORTED)
    (suite.path / "a").mkdir()
    (suite.path / "a/closes.scenario.yaml").write_text(CLOSES)
    (suite.path / "slow.scenario.yaml").write_text(SLOW)
    words = ["-p", "hil.pytest_plugin", "-p", "no:cacheprovider", *processes, "--hil-report", "out", "--hil-seed", "4"]
    done = suite.runpytest_subprocess(*words)
    done.assert_outcomes(passed=3, failed=2)
    runs = json.loads((suite.path / "out/results.json").read_text())["runs"]
    found = {run["name"]: (run["verdict"], run["seed"], run["repeat"]) for run in runs}
    assert found["Closes"] == ("passed", 4, "pytest a/closes.scenario.yaml::Closes --hil-seed 4")
    assert found["test_closes"][0] == "passed"
    assert found["test_asserts"][0] == "failed"
    assert {name for name, (verdict, *_) in found.items() if verdict == "failed"} == {
        "test_asserts",
        "Slow[within_s=0.5]",
    }
    (reason,) = (run["reason"] for run in runs if run["name"] == "test_asserts")
    assert "it is not closed" in reason
    index = (suite.path / "out/index.html").read_text()
    pages = [file.name for file in (suite.path / "out").glob("0*.html")]
    assert len(pages) == 5
    assert all(page in index for page in pages)


def test_a_test_names_what_it_needs_of_its_bench(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import pytest\n"
        "@pytest.fixture\n"
        "def bench_needs(): return {'module': 'refuses'}\n"
        "async def test_x(bench): pass\n"
    )
    done = run(suite)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*NotDone: this bench has no such module; choose another*"])


def test_a_test_whose_process_dies_is_a_failure_of_that_test(suite: pytest.Pytester) -> None:
    suite.makepyfile("import os\nasync def test_x(bench): os.abort()\nasync def test_y(bench): pass\n")
    done = run(suite)
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(["*the process of this test died of SIGABRT*"])


def test_the_plugin_imports_nothing_of_the_bench_for_a_suite_without_scenarios() -> None:
    code = (
        "import sys, hil.pytest_plugin;"
        "print([m for m in sys.modules if m.startswith(('hil.', 'ruamel', 'pydantic', 'chargepoint'))])"
    )
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['hil.pytest_plugin']"


def test_every_verb_of_a_view_is_a_verb_of_the_bench() -> None:
    words = words_of_bench()
    assert set(CAR_VERBS) | set(CSMS_VERBS) | set(PLANT_VERBS) <= set(words.verbs)


def test_a_view_has_only_the_signals_of_its_seer() -> None:
    view = BenchView(words_of_bench())
    with pytest.raises(LookupError, match="did you mean power_W"):
        view.value("powr_W")
    assert isinstance(SeerView(view, words_of_bench().signals["power_W"].seer, PLANT_VERBS).at(2), SeerView)
