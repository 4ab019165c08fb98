"""Scenarios on the real bench in virtual time: shipped ones, the examples of docs/scenarios.md, a failing one, and the same run twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/scenarios.md").read_text()

TOO_FAST = """
name: Too fast
steps:
  - do: plug
  - do: token
  - expect: {charging_state: Charging}
    within_s: 1
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hil.scenario", "run", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=220)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page_pass(tmp_path: Path) -> None:
    for number, example in enumerate(blocks("yaml")):
        (tmp_path / f"{number}.yaml").write_text(example)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_seed_gives_the_same_record_and_a_failure_says_what_was_seen(tmp_path: Path) -> None:
    (tmp_path / "fast.yaml").write_text(TOO_FAST)
    reports = [tmp_path / "first", tmp_path / "second"]
    for report in reports:
        done = run("insulation-drops", tmp_path / "fast.yaml", "--seed", "3", "--report", report)
        assert done.returncode == 1, done.stdout + done.stderr
    records = [{file.name: file.read_text() for file in report.glob("*.jsonl")} for report in reports]
    assert len(records[0]) == 2
    assert records[0] == records[1]
    failed, passed = json.loads((reports[0] / "results.json").read_text())["runs"]
    assert (failed["verdict"], failed["line"], passed["verdict"]) == ("failed", 6, "passed")
    assert "within 1 s of line 5: charging_state was empty, then EVConnected (by then stage " in failed["reason"]
    assert passed["steps"][4]["measured"]["verdict"] == "passed"


def test_the_python_example_of_the_page_passes(tmp_path: Path) -> None:
    (example,) = blocks("python")
    (tmp_path / "test_example.py").write_text(example)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    options = ["-p", "hil.pytest_plugin", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=220)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("words", [["--list"], ["--list", "interlock"]])
def test_list_names_runs(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert "insulation-drops.yaml: The insulation drops while power flows" in done.stdout
