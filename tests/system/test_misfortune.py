"""Misfortune in the middle of a transfer: power goes to zero where it should, the bill survives, and it is said plainly."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo


ROOT = Path(__file__).resolve().parents[2]


def stopped(demo: Demo) -> dict[str, Any]:
    """The ended transaction, once power is off and it was delivered."""

    def look() -> Any:
        plant, state = demo.plant(), demo.state()
        transaction = state["central_system"]["transactions"][0]
        return transaction if transaction["ended"] and not plant["contactor_closed"] else None

    found: dict[str, Any] = demo.until("power off and the transaction delivered", look)
    return found


def reason_of(transaction: dict[str, Any]) -> str:
    return str(transaction["events"][-1]["transactionInfo"]["stoppedReason"])


@pytest.mark.parametrize(
    ("request_", "reason", "told"),
    [
        ({"do": "estop"}, "EmergencyStop", "emergency stop"),
        ({"do": "fault", "name": "insulation", "value": 20000}, "GroundFault", "insulation below limit"),
        ({"do": "door", "open": True}, "Other", "cabinet door open"),
    ],
    ids=["estop", "insulation", "door"],
)
def test_interlocks_stop_power(discharging: Demo, request_: dict[str, Any], reason: str, told: str) -> None:
    demo = discharging
    answer = demo.steer(**request_)
    assert answer["ok"], answer
    transaction = stopped(demo)
    assert reason_of(transaction) == reason
    assert told in (demo.folder / "log" / "daemon.log").read_text()
    state = demo.state()
    assert state["central_system"]["connectors"]["1.1"] == "Faulted"
    assert state["central_system"]["violations"] == []
    assert abs(demo.plant()["output_A"]) < 1.0


def test_an_unplugged_module_adapter_stops_power(discharging: Demo) -> None:
    demo = discharging
    assert demo.steer(do="bus_fault", bus="fast1", kind="unplugged")["ok"]
    transaction = stopped(demo)
    assert transaction["gaps"] == []


def test_single_bad_replies_do_not_stop_power(discharging: Demo) -> None:
    demo = discharging
    loops = demo.state()["car"]["loops"]
    for kind in ("bit_flip", "wrong_function", "short", "late"):
        answer = demo.steer(do="bus_fault", bus="fast1", kind=kind, count=1)
        assert answer["ok"], answer
    demo.until("ten more loops", lambda: demo.state()["car"]["loops"] > loops + 10)
    assert demo.plant()["contactor_closed"]
    demo.until_power(-8000.0)


def test_a_central_system_that_goes_away_loses_nothing(discharging: Demo) -> None:
    demo = discharging
    demo.steer(do="csms", refuse=True)
    demo.steer(do="csms", drop=True)
    demo.until("offline", lambda: demo.state()["daemon"]["ocpp"]["connected"] is False)
    demo.steer(do="token")  # the driver stops it while offline
    demo.until("the transaction to end", lambda: demo.state()["daemon"]["evses"]["1"]["transaction"] is None)
    assert demo.state()["daemon"]["ocpp"]["outbox_depth"] > 0
    demo.steer(do="csms", refuse=False)
    transaction = stopped(demo)
    assert reason_of(transaction) == "Local"
    assert transaction["gaps"] == []
    assert demo.until("an empty outbox", lambda: demo.state()["daemon"]["ocpp"]["outbox_depth"] == 0 or None)


def test_a_car_that_vanishes_stops_power(discharging: Demo) -> None:
    demo = discharging
    assert demo.steer(do="unplug", force=True)["ok"]
    transaction = stopped(demo)
    assert reason_of(transaction) in ("EVDisconnected", "Other", "Timeout")


def test_a_car_pulled_while_it_waits_can_be_plugged_again(demo: Demo) -> None:
    """Nobody gives this car a pilot: it waits, and is gone before anything was said."""
    demo.until("the story's car", lambda: demo.state()["car"]["loops"] > 0)
    assert demo.steer(do="ocpp", action="ChangeAvailability", payload={"operationalStatus": "Inoperative"})["ok"]
    assert demo.steer(do="stop")["ok"]
    assert demo.until("unplugged", lambda: demo.steer(do="unplug")["ok"])
    demo.until("no pilot", lambda: demo.plant()["pilot_command"] == "F")
    assert demo.steer(do="plug")["ok"]
    assert demo.steer(do="unplug", force=True)["ok"]
    assert demo.steer(do="plug")["ok"]
    assert "already plugged" in demo.steer(do="plug")["error"]


def test_a_second_demo_in_the_folder_leaves_the_first_alone(demo: Demo, sdp_port: int) -> None:
    demo.until("steering", lambda: demo.steer(do="help")["ok"])
    before = (demo.folder / "site.toml").read_text()
    command = [sys.executable, "-m", "hil.demo", "--dir", str(demo.folder), "--sdp-port", str(sdp_port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"a demo is already running in {demo.folder}: end it, or give another --dir\n" in done.stdout
    assert (demo.folder / "site.toml").read_text() == before
    assert demo.steer(do="help")["ok"]


def test_a_second_demo_on_the_same_discovery_port_says_so(demo: Demo, tmp_path: Path) -> None:
    demo.until("steering", lambda: demo.steer(do="help")["ok"])
    port = demo.until(
        "the station", lambda: tomllib.loads((demo.folder / "site.toml").read_text())["iso15118"]["sdp_port"]
    )
    demo.until("discovery", lambda: "waiting for cars" in (demo.folder / "log" / "daemon.log").read_text())
    command = [sys.executable, "-m", "hil.demo", "--dir", str(tmp_path / "other"), "--sdp-port", str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"UDP port {port} on lo" in done.stdout
    assert "give another --sdp-port" in done.stdout


def test_malformed_steering_is_answered(demo: Demo) -> None:
    demo.until("steering", lambda: demo.steer(do="help")["ok"])
    assert "one of" in demo.steer(do="dance")["error"]
    assert "power_W" in demo.steer(do="setpoint", power_W="much")["error"]
    assert "one of" in demo.steer(do="fault", name="gremlins")["error"]
