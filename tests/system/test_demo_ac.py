"""`./run demo --ac`: daemon and power process serve an AC outlet whose board, meter, grid and car are simulated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mode", ["dynamic", "scheduled"])
def test_the_story_of_an_ac_car(tmp_path: Path, sdp_port: int, mode: str) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "hil.demo", "--ac", "--once", "--report", str(report)]
    command += ["--dir", str(tmp_path / "demo"), "--control-mode", mode, "--sdp-port", str(sdp_port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    r = json.loads(report.read_text())
    assert (r["protocol"], r["service"], r["control_mode"]) == ("ISO 15118-20 AC", "AC_BPT", mode)
    assert r["tls"] == "TLSv1.3"
    measured = {s["requested_W"]: s["measured_W"] for s in r["setpoints"]}
    wanted = [11_000.0, -10_000.0, 5_000.0] if mode == "dynamic" else [11_000.0, 5_000.0]
    assert measured == {power_W: pytest.approx(power_W, rel=0.03) for power_W in wanted}
    assert r["energy_import_Wh"] == pytest.approx(r["plant_import_Wh"], rel=0.01)
    assert r["energy_export_Wh"] == pytest.approx(r["plant_export_Wh"], rel=0.01)
    assert (r["energy_export_Wh"] > 0) is (mode == "dynamic")
    assert r["transaction"]["stoppedReason"] == "Remote"
    assert r["central_system_violations"] == []
    names = [phase["name"] for phase in r["phases"]]
    assert "cable_check" not in names
    assert {"power_delivery", "charge_5_kW", "unplug"} <= set(names)


def test_a_frequency_moves_the_status_of_an_ac_outlet(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--ac")

    def image() -> Any:
        return demo.state()["daemon"]["evses"]["1"]["image"]

    demo.until("power", lambda: abs(image()["power_W"]) > 1000)
    assert image()["ac"] == {
        "nominal_voltage_V": 230.0, "nominal_frequency_Hz": 50.0, "phases": 3, "current_max_A": 32.0,
    }  # fmt: skip
    assert demo.steer(do="grid", frequency_Hz=49.8)["ok"]
    demo.until("the frequency", lambda: image()["frequency_Hz"] == pytest.approx(49.8, abs=0.001))


def test_a_scheduled_ac_car_discharges_once_its_schedule_is_renegotiated(new_demo: Callable[..., Demo]) -> None:
    wishes = [
        {"what": "change", "at_loop": 30, "change": {"scheduled_power_W": -6000.0}},
        {"what": "schedule_renegotiation", "at_loop": 31},
    ]
    demo = new_demo("--ac", "--control-mode", "scheduled", "--no-tls", "--plan", json.dumps({"wishes": wishes}))
    demo.until_power(11_000.0)
    demo.until_power(-6_000.0)
    setpoint = demo.state()["daemon"]["evses"]["1"]["setpoint"]
    assert "its power profile" in setpoint["explanation"]


def test_the_daemon_sees_the_ac_outlet_and_a_trip_of_it(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--ac", "--no-car")

    def evse() -> Any:
        return demo.state()["daemon"]["evses"]["1"]

    demo.until("a plugged car", lambda: evse()["image"]["pilot"] == "B")
    assert sorted(demo.state()["processes"]) == ["daemon", "plant", "power"]
    assert demo.plant()["outlet"] == "ac"
    assert demo.steer(do="grid", frequency_Hz=49.9)["ok"]
    assert demo.plant()["grid_frequency_Hz"] == 49.9
    assert demo.steer(do="fault", name="rcd")["ok"]
    demo.until("the trip", lambda: "RCD" in str(evse()["image"]["faults"]).upper())
    assert demo.steer(do="fault", name="rcd", on=False)["ok"]
    demo.until("the reset", lambda: demo.steer(do="reset")["ok"])  # the chain must be seen closed first
    demo.until("no fault", lambda: not evse()["image"]["faults"])
