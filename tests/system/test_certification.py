"""The certification suite against our own station: a short real run through `./run hil certify`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.system.conftest import PATIENCE_S, ROOT

CASES = ("B_06", "B_20", "E_03", "F_20", "G_01")
"""A variable, a reset, a whole start of a session, a triggered message, a plug."""


def test_five_cases_pass_on_our_station(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"result.{kind}" for kind in ("json", "junit", "html")}
    command = [sys.executable, "-m", "hil.certification"]
    command += [word for case in CASES for word in ("--case", case)]
    command += [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    result = json.loads(files["json"].read_text())
    assert [case["reason"] for case in result["cases"]] == [""] * len(CASES), done.stdout + done.stderr
    assert result["summary"]["verdicts"] == {"passed": len(CASES)}
    assert all(case["checks"] > 0 for case in result["cases"])
    assert done.returncode == 0
    assert ElementTree.parse(files["junit"]).getroot().get("tests") == str(len(CASES))
    assert "TC_E_03_CS" in files["html"].read_text()
