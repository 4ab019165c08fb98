"""The real daemon stands still under power: its demand runs out, and nothing it wrote before makes power flow when it wakes."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo


def off(demo: Demo) -> bool:
    plant = demo.plant()
    return not plant["contactor_closed"] and abs(plant["output_A"]) < 1.0


@pytest.mark.parametrize(("power_W", "for_s"), [(-8_000.0, 1.0), (8_000.0, 4.0)])
def test_a_daemon_that_stood_still_resumes_nothing(discharging: Demo, power_W: float, for_s: float) -> None:
    """1 s is beyond the lease; 4 s is beyond the ramp, the opening and the discharge of the output."""
    demo = discharging
    demo.until("set-point", lambda: demo.steer(do="setpoint", power_W=power_W)["ok"])
    demo.until_power(power_W)
    pid = demo.state()["processes"]["daemon"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        demo.until("no power, contactor open", lambda: off(demo), patience_s=10.0)
        time.sleep(for_s)
        assert off(demo)
    finally:
        os.kill(pid, signal.SIGCONT)
    until_s = time.monotonic() + 3.0
    while time.monotonic() < until_s:  # every image of the plant in these seconds
        assert off(demo)
        time.sleep(0.02)
    demo.until("the session to end", lambda: demo.state()["daemon"]["evses"]["1"]["transaction"] is None)
    assert demo.state()["processes"]["daemon"]["starts"] == 1
    log = (demo.folder / "log" / "power.log").read_text()
    assert re.findall(r"! evse 1 (\w+):", log) == ["LEASE_LOST"]
