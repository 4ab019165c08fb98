"""Scenarios on the real bench in virtual time: shipped ones, the examples of docs/scenarios.md, a failing one, and the same run twice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
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

OWN_TEST = """
async def test_a_set_point_is_followed(bench, car, csms, plant):
    await car.plug()
    await car.token()
    await bench.expect({"car_loops": {"at_least": 5}}, within_s=40)
    await csms.setpoint(power_W=6000)
    await bench.expect({"power_W": {"near": 6000, "within_percent": 3}}, within_s=5)
    assert plant.contactor == "closed"
    assert csms.csms_transactions == 1
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


def test_another_repository_uses_the_plugin_of_the_wheel(tmp_path: Path) -> None:
    """Its entry point, the Python example of the page, and a scenario file; nothing of this repository is on the path."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    installed, other = tmp_path / "installed", tmp_path / "other"
    zipfile.ZipFile(wheel).extractall(installed)
    other.mkdir()
    (example,) = blocks("python")
    (other / "test_example.py").write_text(example)
    (other / "test_own.py").write_text(OWN_TEST)
    (other / "first.scenario.yaml").write_text(blocks("yaml")[0])
    (other / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--hil-report", "report"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=other, env=environment, capture_output=True, text=True, timeout=220)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    results = json.loads((other / "report/results.json").read_text())
    assert results["verdicts"] == {"passed": 3}
    index = (other / "report/index.html").read_text()
    assert all((other / "report" / run["record"]).with_suffix(".html").name in index for run in results["runs"])


@pytest.mark.parametrize("words", [["--list"], ["--list", "interlock"]])
def test_list_names_runs(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert "insulation-drops.yaml: The insulation drops while power flows" in done.stdout
