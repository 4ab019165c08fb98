"""`./run demo --once --report FILE.html`: the story as the same page that a scenario gets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.unit.hil.report.report_samples import SeenPage

ROOT = Path(__file__).resolve().parents[2]


def test_the_story_is_drawn_as_a_page(tmp_path: Path, sdp_port: int) -> None:
    report = tmp_path / "report.html"
    command = [sys.executable, "-m", "hil.demo", "--once", "--report", str(report), "--dir", str(tmp_path / "demo")]
    done = subprocess.run(
        [*command, "--sdp-port", str(sdp_port)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = SeenPage(report.read_text())
    assert "The demo's story ✓ passed" in seen.text
    assert len(seen.having("figure", "plot")) == 4
    pins = [re.sub(r"^[\d.]+ s: ", "", pin["title"] or "") for pin in seen.having("button", "pin")]
    assert pins == [
        f"action: {word}"
        for word in ("plug in", "authorise", "charge 11 kW", "discharge 10 kW", "charge 5 kW", "stop", "unplug")
    ]
    assert "-10 kW by csms" in seen.text
    assert "DC_ChargeLoopReq · DC_ChargeLoopRes ×" in seen.text
    assert "TransactionEvent" in seen.text
    assert "TLSv1.3" in seen.text
