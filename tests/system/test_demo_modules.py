"""The whole story with other power modules: the same plant behind another register map, and once behind another kind of bus."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil.bench.modules import MODULES, USUAL

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("module", sorted(set(MODULES) - {USUAL}))
def test_the_story_with_another_module(tmp_path: Path, sdp_port: int, module: str) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "hil.demo", "--once", "--report", str(report), "--dir", str(tmp_path / "demo")]
    command += ["--module", module, "--sdp-port", str(sdp_port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())
    assert figures["energy_export_Wh"] == pytest.approx(figures["plant_export_Wh"], rel=0.01)
    measured_W = {point["requested_W"]: point["measured_W"] for point in figures["setpoints"]}
    assert measured_W[-10000.0] == pytest.approx(-10000.0, rel=0.03)
    assert measured_W[5000.0] == pytest.approx(5000.0, rel=0.03)
    assert module in (tmp_path / "demo" / "site.toml").read_text()
