"""Runs in children: what a child dies of is the verdict of its run, and the files that come out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hil.record import json_lines
from hil.scenario.bench_door import BenchChoice, BenchMissing
from hil.scenario.forked_runs import ForkedRuns, RunsInterrupted, file_name
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.result_files import as_csv, as_json, as_junit, write_all
from hil.scenario.step import PlannedRun
from tests.unit.hil.scenario.scripted_bench import OPENED_BY, plan

CLOSES = (
    "- do: plug\n- expect: {contactor: closed}\n  within_s: 2\n"
    "- measure: closing_s\n  from: {do: plug}\n  to: {contactor: closed}\n  limit: {at_most: 2}"
)
TOO_SLOW = "- do: plug\n- expect: {contactor: closed}\n  within_s: 0.5\n- wait_s: 1"
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def run_of(name: str, steps: str = CLOSES, module: str = "", **more: object) -> PlannedRun:
    needs = {"module": module} if module else {}
    return replace(plan(steps, "tags: [t1]"), name=name, needs=needs, **more)  # type: ignore[arg-type]


def perform(*runs: PlannedRun, report: Path | None = None, workers: int = 1, **more: Any) -> list[RunResult]:
    choice = BenchChoice(seed=7, opened_by=OPENED_BY)
    return ForkedRuns(choice, report, workers, **more).perform(runs, lambda result: None)


def test_each_run_has_a_bench_of_its_own_and_results_keep_the_order() -> None:
    results = perform(*(run_of(f"run {number}") for number in range(5)), workers=3)
    assert [result.run.name for result in results] == [f"run {number}" for number in range(5)]
    assert {result.verdict for result in results} == {ScenarioVerdict.PASSED}
    assert {result.seed for result in results} == {7}
    assert {result.facts["controller"] for result in results} == {"Scripted 1"}
    assert results[0].measured[0].value == 1.0


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("refuses", "the bench could not be opened: this bench has no such module; choose another"),
        ("dies", "the process of this run died of SIGKILL; the end of its log: the last words"),
        ("breaks", "the bench could not be used: OSError: no such wire"),
        ("stays open", "all steps passed, and then the bench could not be closed: OSError: a child did not end"),
    ],
)
def test_what_happens_to_the_bench_is_an_error_of_its_run_alone(module: str, reason: str) -> None:
    bad, good = perform(run_of("bad", module=module), run_of("good"))
    assert (bad.verdict, bad.reason) == (ScenarioVerdict.ERROR, reason)
    assert good.verdict is ScenarioVerdict.PASSED


def test_what_had_ended_before_an_interruption_is_not_lost() -> None:
    def second(result: RunResult) -> None:
        if result.run.name == "run 2":
            raise KeyboardInterrupt

    runs = [run_of(f"run {number}") for number in range(1, 6)]
    with pytest.raises(RunsInterrupted) as caught:
        ForkedRuns(BenchChoice(opened_by=OPENED_BY)).perform(runs, second)
    assert [result.run.name for result in caught.value.results] == ["run 1", "run 2"]


def test_a_run_that_hangs_is_ended() -> None:
    (hanging,) = perform(run_of("hangs", module="hangs", time_limit_s=0.1), patience_s=0.4)
    assert hanging.verdict is ScenarioVerdict.ERROR
    assert hanging.reason == "the process of this run took longer than 0.5 s"
    assert {step.verdict for step in hanging.steps} == {ScenarioVerdict.NOT_REACHED}


def test_a_run_that_does_not_fit_the_bench_is_skipped() -> None:
    (skipped,) = perform(run_of("x", realtime_only="process.kill"))
    assert skipped.verdict is ScenarioVerdict.SKIPPED
    assert skipped.reason == "process.kill needs a bench in real time: add --realtime"


def test_results_keep_the_order_of_the_runs_whatever_ends_first() -> None:
    results = perform(run_of("longer"), run_of("skipped at once", realtime_only="x"), workers=2)
    assert [result.run.name for result in results] == ["longer", "skipped at once"]


def test_a_bench_that_cannot_be_closed_does_not_hide_a_failure() -> None:
    (result,) = perform(run_of("x", TOO_SLOW, module="stays open"))
    assert result.verdict is ScenarioVerdict.FAILED


def test_a_bench_that_is_not_there_ends_everything() -> None:
    with pytest.raises(BenchMissing, match=r"no bench can be opened by nowhere:open_bench"):
        ForkedRuns(BenchChoice(opened_by="nowhere:open_bench")).perform([run_of("x")], lambda result: None)


def test_the_record_of_each_run_is_kept_beside_the_results(tmp_path: Path) -> None:
    results = perform(run_of("A [x=1]"), run_of("B"), report=tmp_path)
    assert [result.record_file for result in results] == ["001-A-x=1.jsonl", "002-B.jsonl"]
    lines = list(json_lines.read((tmp_path / "001-A-x=1.jsonl").read_text().splitlines()))
    assert [line.value for line in lines if line.name == "contactor"] == ["open", "closed"]


def test_names_of_files_have_no_strange_characters() -> None:
    assert file_name("A/b «c» [x=-5, y=a b]") == "A-b-c-x=-5-y=a-b"
    assert file_name("…") == "run"
    assert len(file_name("x" * 200)) == 80


@pytest.fixture(scope="module")
def results() -> list[RunResult]:
    found = perform(
        run_of("good"), run_of("slow", TOO_SLOW), run_of("no bench", module="refuses"), run_of("x", realtime_only="p")
    )
    return [replace(result, seconds=1.5, repeat=f"./run hil run --only {result.run.name!r}") for result in found]


def test_junit_has_a_case_for_each_run(results: list[RunResult]) -> None:
    suite = ElementTree.fromstring(as_junit(results, BEGAN)).find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time", "timestamp")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "6.000",
        "timestamp": "2026-01-02T03:04:05",
    }
    good, slow, no_bench, skipped = suite.findall("testcase")
    named = {(each.get("name"), each.get("value")) for each in good.iter("property")}
    assert ("tag", "t1") in named
    assert ("measurement closing_s", "1.0 s, limit at most 2, passed") in named
    assert ("repeat", "./run hil run --only 'good'") in named
    failure = slow.find("failure")
    assert failure is not None and failure.text is not None
    assert str(failure.get("message")).startswith("test.yaml:5: expected contactor closed within 0.5 s of line 4")
    assert "repeat: ./run hil run --only 'slow'" in failure.text
    assert slow.get("line") == "5"
    assert no_bench.find("error") is not None
    assert skipped.find("skipped") is not None


def test_a_reason_with_control_characters_is_still_xml(results: list[RunResult]) -> None:
    bad = replace(results[1], reason="a\x00b\x1bc\ud800\ufffe<&>")
    case = next(ElementTree.fromstring(as_junit([bad], BEGAN)).iter("failure"))
    assert str(case.get("message")).endswith("abc<&>")


def test_results_json_has_every_step(results: list[RunResult]) -> None:
    document = json.loads(as_json(results, BEGAN))
    assert (document["format"], document["began"]) == (1, "2026-01-02T03:04:05+00:00")
    assert document["verdicts"] == {"passed": 1, "failed": 1, "error": 1, "skipped": 1}
    good, slow = document["runs"][:2]
    assert [step["verdict"] for step in slow["steps"]] == ["passed", "failed", "not reached"]
    assert good["steps"][1]["held_from_s"] == 1.0
    assert good["steps"][2]["measured"] == {
        "name": "closing_s",
        "value": 1.0,
        "unit": "s",
        "limit": "at most 2",
        "verdict": "passed",
        "line": 7,
        "evse": 1,
        "from_s": 0.0,
        "to_s": 1.0,
    }


def test_the_fields_of_results_json_are_those_of_format_1(results: list[RunResult]) -> None:
    """Reports are drawn from these: a field that goes away needs another `FORMAT`."""
    document = json.loads(as_json(results, BEGAN))
    (run, *_) = document["runs"]
    assert set(document) == {"format", "began", "verdicts", "runs"}
    assert set(run) == {
        *("name", "file", "about", "tags", "needs", "variables", "time_limit_s", "verdict", "reason", "line"),
        *("bench_s", "seconds", "virtual", "seed", "record", "repeat", "facts", "steps"),
    }
    assert set(run["steps"][1]) == {
        *("line", "kind", "words", "evse", "id", "about", "round", "verdict", "began_s", "ended_s", "held_from_s"),
        *("reason", "seen", "measured"),
    }
    assert run["steps"][1]["seen"] == [{"signal": "contactor", "evse": 1, "value": "closed", "since_s": 1.0}]


def test_measurements_are_lines_of_a_table(results: list[RunResult]) -> None:
    head, *rows = csv.reader(io.StringIO(as_csv(results)))
    assert head[:6] == ["scenario", "file", "line", "evse", "measurement", "value"]
    assert rows == [
        ["good", "test.yaml", "7", "1", "closing_s", "1.0", "s", "at most 2", "passed", "0.000000", "1.000000"]
    ]


def test_all_files_are_written(results: list[RunResult], tmp_path: Path) -> None:
    write_all(tmp_path / "new", results, BEGAN)
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [
        "index.html",
        "junit.xml",
        "measurements.csv",
        "results.json",
    ]
