"""The certification suite against our own station: short real runs of `hil.certification`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.system.conftest import PATIENCE_S, ROOT

CASES = (
    *("B_01", "B_06", "B_07", "B_09", "B_14", "B_18", "B_20", "B_32"),  # boot, variables, reports, reset
    *("C_38", "C_39", "D_01", "D_02", "D_08"),  # tokens, a group, the local list
    *("E_03", "E_21", "E_28", "F_01", "F_20", "F_23"),  # transactions, orders of the central system
    *("G_01", "G_03", "G_05", "H_01", "H_17"),  # states of connectors, reservations
    *("K_01", "K_10", "K_22", "K_60", "P_01"),  # charging profiles, data transfer
    *("L_01", "M_01", "M_26"),  # firmware, a root, a certificate for a car
)
"""Cases of a few seconds at most, from every block that our station has."""
FAULTS = ("seq_no_gap", "status_missing", "variable_value_wrong")
"""One of each kind: an event that is altered, a message that is lost, an answer that is altered."""


def certify(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite."""
    command = [sys.executable, "-m", "hil.certification", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE_S)


def test_cases_of_every_block_pass_on_our_station(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"result.{kind}" for kind in ("json", "junit", "html")}
    cases = [word for case in CASES for word in ("--case", case)]
    done = certify(*cases, *(word for kind, file in files.items() for word in (f"--{kind}", str(file))))
    result = json.loads(files["json"].read_text())
    assert [case["reason"] for case in result["cases"]] == [""] * len(CASES), done.stdout + done.stderr
    assert result["summary"]["verdicts"] == {"passed": len(CASES)}
    assert all(case["checks"] > 0 for case in result["cases"])
    assert done.returncode == 0
    assert ElementTree.parse(files["junit"]).getroot().get("tests") == str(len(CASES))
    assert "TC_E_03_CS" in files["html"].read_text()


def test_planted_faults_are_found(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    done = certify(*(word for name in FAULTS for word in ("--planted", name)), "--json", str(file))
    proofs: list[dict[str, Any]] = json.loads(file.read_text())
    assert {proof["fault"] for proof in proofs} == set(FAULTS)
    for proof in proofs:
        assert (proof["without"], proof["with"]) == ("passed", "failed"), done.stdout + done.stderr
    assert done.returncode == 0
