"""`./run demo --once --report`: the main job from boot to unplug, every figure from a measurement."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("tls", "mode"), [(True, "dynamic"), (False, "dynamic"), (True, "scheduled")], ids=["tls13", "plain", "scheduled"]
)
def test_the_story_told_once(tmp_path: Path, sdp_port: int, tls: bool, mode: str) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "hil.demo", "--once", "--report", str(report), "--dir", str(tmp_path / "demo")]
    command += ["--control-mode", mode, "--sdp-port", str(sdp_port), "--tls" if tls else "--no-tls"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    r = json.loads(report.read_text())
    assert r["boot_status"] == "Accepted"
    assert (r["service"], r["control_mode"]) == ("DC_BPT", mode)
    assert r["tls"] == ("TLSv1.3" if tls else None)
    assert r["energy_export_Wh"] > 0
    assert r["energy_export_Wh"] == pytest.approx(r["plant_export_Wh"], rel=0.01)
    assert r["energy_import_Wh"] == pytest.approx(r["plant_import_Wh"], rel=0.01)
    by_csms = {s["requested_W"]: s for s in r["setpoints"] if s["source"] == "csms"}
    # in Scheduled mode the car turns the offer into a current of its own
    assert by_csms[-10000.0]["applied_W"] == pytest.approx(-10000.0, rel=0.01 if mode == "scheduled" else 1e-9)
    assert by_csms[-10000.0]["measured_W"] == pytest.approx(-10000.0, rel=0.03)
    assert (
        by_csms[-10000.0]["latency_ms"] < 3000
    )  # beside other tests; alone it is half a second: `./run bench setpoint` and the demo's report
    events = r["transaction"]["events"]
    assert [e["seqNo"] for e in events] == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("Started", "Ended")
    assert r["transaction"]["stoppedReason"] == "Remote"
    assert r["central_system_violations"] == []
    names = [phase["name"] for phase in r["phases"]]
    assert names[0] == "boot"
    assert {"cable_check", "pre_charge", "discharge_10_kW", "unplug"} <= set(names)
    assert all(phase["end_s"] >= phase["start_s"] for phase in r["phases"])
    assert r["rss_MB"]["daemon"] > 0
    assert r["rss_MB"]["power"] > 0
