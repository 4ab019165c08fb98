"""The site bus in a whole demo: who decides while the central system and then the broker are lost, and the steering verbs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import ROOT, Demo


def test_each_loss_leaves_the_next_party_deciding(tmp_path: Path, sdp_port: int) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.bench.site_story", "--report", str(report), "--lease-s", "4"]
    done = subprocess.run(
        [*command, "--sdp-port", str(sdp_port)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    discovered, default, first, alone, second, silent, last = found["steps"]
    assert set(found["devices"]) == {"bidi-2", "bidi-2 EVSE 1", "bidi-2 EVSE 2"}
    assert "order_setpoint" in found["devices"]["bidi-2 EVSE 1"]
    assert discovered["broker"]
    assert default["decided_by"] == "default"
    for step, power_W, central_system, broker in (
        (first, -8000, True, True),
        (alone, -8000, False, True),
        (second, 4000, False, True),
        (silent, 4000, False, False),
    ):
        assert step["measured_W"] == pytest.approx(power_W, rel=0.03), step
        assert (step["decided_by"], step["central_system"], step["broker"]) == ("site", central_system, broker), step
        assert "set-point of edge terminal" in step["explanation"]
    assert (last["decided_by"], last["central_system"], last["broker"]) == ("default", False, False)
    assert last["measured_W"] == pytest.approx(default["measured_W"], rel=0.03)
    assert [answer["accepted"] for answer in found["answers"]] == [True, True]
    assert any("set-point of edge terminal" in event for event in found["events"])
    assert found["states"] > 0


def test_steering_sends_orders_and_meter_values_over_the_bus(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--mqtt", "embedded")
    demo.until("the station to be on the bus", lambda: demo.state()["daemon"]["site_bus"]["connected"])
    order = {"do": "setpoint", "evse": 1, "power_W": -3000, "lease_s": 60, "sender": "test"}
    answer = demo.steer(do="site_order", order=order)
    assert answer["ok"], answer
    assert answer["answer"]["accepted"], answer
    refused = demo.steer(do="site_order", order={**order, "lease_s": 1e9})
    assert refused["answer"]["code"] == "LeaseTooLong"
    assert demo.steer(do="site_meter", power_W=3120)["ok"]
    assert not demo.steer(do="site_meter")["ok"]
    assert demo.state()["daemon"]["site_bus"]["refused_orders"] == 1
