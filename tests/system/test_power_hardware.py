"""Hardware that misbehaves in the middle of a transfer: what it was is said by its name, and only that."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo


def told(demo: Demo) -> list[str]:
    """Fault codes the power process told for EVSE 1, in order."""
    log = (demo.folder / "log" / "power.log").read_text()
    return re.findall(r"! evse 1 (\w+):", log)


def off(demo: Demo) -> bool:
    plant = demo.plant()
    return not plant["contactor_closed"] and abs(plant["output_A"]) < 1.0


def charge_again(demo: Demo) -> None:
    """Unplug, plug, token: the next session reaches its power."""
    demo.until("unplugged", lambda: demo.steer(do="unplug")["ok"])
    demo.until("available", lambda: demo.state()["central_system"]["connectors"]["1.1"] == "Available")
    loops = demo.state()["car"]["loops"]
    assert demo.steer(do="plug")["ok"]
    assert demo.until("plugged", lambda: demo.state()["daemon"]["evses"]["1"]["plugged"])
    assert demo.steer(do="token")["ok"]
    demo.until("loops of a new session", lambda: demo.state()["car"]["loops"] not in (0, loops))
    demo.until_power(11_000.0)


def test_a_plant_that_restarted_is_taken_back(discharging: Demo) -> None:
    """Every device at once, modules back at their defaults."""
    demo = discharging
    assert demo.steer(do="kill", what="plant")["ok"]
    demo.until("the plant again", lambda: demo.state()["processes"]["plant"]["starts"] == 2)
    demo.until("the session to end", lambda: demo.state()["daemon"]["evses"]["1"]["transaction"] is None)
    charge_again(demo)


def test_a_module_that_restarted_is_told_and_taken_back(discharging: Demo) -> None:
    demo = discharging
    assert demo.steer(do="fault", name="module_restart", value=0.03)["ok"]  # longer silence is a fault of its own
    demo.until("power off", lambda: off(demo))
    assert told(demo) == ["POWER_MODULE"]
    assert "lost its remote mode: it restarted" in (demo.folder / "log" / "power.log").read_text()
    charge_again(demo)


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("meter_gain", 1.5, "METER_PLAUSIBILITY"),
        ("car_opens_contactors", None, "NO_CURRENT"),
        ("board_supply", None, "PILOT_BOARD_SUPPLY"),
    ],
)
def test_each_misfortune_is_one_fault_with_its_own_name(
    discharging: Demo, fault: str, value: float | None, code: str
) -> None:
    demo = discharging
    assert demo.steer(do="fault", name=fault, value=value)["ok"]
    demo.until("power off", lambda: off(demo))
    time.sleep(2.0)  # what else would be told is told by then
    assert told(demo) == [code]


def test_a_silent_module_is_opened_on_and_no_other_device_is_called_silent(discharging: Demo) -> None:
    """It goes on driving its current; a car that leaves state C meanwhile does so under power, which is told too."""
    demo = discharging
    assert demo.steer(do="fault", name="module_silent")["ok"]
    demo.until("power off", lambda: off(demo))
    time.sleep(2.0)
    first, *others = told(demo)
    assert first == "POWER_MODULE_COMMUNICATION"
    assert set(others) <= {"PILOT_LOST"}


def test_a_power_process_that_stood_still_says_so_and_nothing_else(discharging: Demo) -> None:
    demo = discharging
    pid = demo.state()["processes"]["power"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    demo.until("the board to open by itself", lambda: off(demo))
    time.sleep(1.0)
    os.kill(pid, signal.SIGCONT)
    demo.until("the words", lambda: "PROCESS_STALLED" in (demo.folder / "log" / "power.log").read_text())
    demo.until("the session to end", lambda: demo.state()["daemon"]["evses"]["1"]["transaction"] is None)
    assert told(demo) in (["PROCESS_STALLED"], [])  # the log counts the same line of the other EVSE, if that came first
    assert "evse-1     ! power process stalled" in (demo.folder / "log" / "daemon.log").read_text()
    assert re.search(
        r"the power process itself did not run for \d+\.\d s", (demo.folder / "log" / "power.log").read_text()
    )
    assert demo.state()["processes"]["power"]["starts"] == 1
    charge_again(demo)
