"""`./run demo --car NAME --once`: cars of the road at the whole station, on real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("car", "protocol", "service", "tls"),
    [
        ("tesla-model-3-din", "DIN 70121", "DC", None),
        ("audi-dc", "ISO 15118-2", "DC", None),
        ("vw-ac", "ISO 15118-2", "AC", None),
        ("taycan-ac", "ISO 15118-2", "AC", "TLSv1.3"),
    ],
)
def test_a_car_of_the_road_charges_and_follows_the_central_system(
    tmp_path: Path, sdp_port: int, car: str, protocol: str, service: str, tls: str | None
) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "hil.demo", "--once", "--car", car, "--report", str(report)]
    command += ["--dir", str(tmp_path / "demo"), "--sdp-port", str(sdp_port)]
    command += [] if tls is None else ["--tls"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    r = json.loads(report.read_text())
    assert r["protocol"].startswith(protocol)
    assert (r["service"], r["tls"]) == (service, tls)
    assert [s["requested_W"] for s in r["setpoints"]] == [11_000.0, 5_000.0]
    assert r["setpoints"][1]["measured_W"] == pytest.approx(5_000.0, rel=0.03)
    assert r["energy_export_Wh"] == 0
    assert r["energy_import_Wh"] == pytest.approx(r["plant_import_Wh"], rel=0.01)
    assert r["transaction"]["stoppedReason"] == "Remote"
    assert r["central_system_violations"] == []


def test_a_car_of_the_road_brings_its_own_settings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hil.demo", "--car", "vw-ac", "--no-car", "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--car brings a car of its own" in done.stderr
