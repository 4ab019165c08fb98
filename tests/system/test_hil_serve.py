"""A bench of `./run hil serve`, used from outside with the client alone: two EVSEs, faults, a scenario, idle, and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.attach import private_network
from hil.client import Bench, BenchGone, Expired, Refused

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Two EVSEs where this computer permits it."""
    with Bench.start(evses=1 if private_network.problem() else 2) as started:
        yield started


@pytest.fixture(autouse=True)
def _idle(bench: Bench) -> None:
    bench.reset(to="idle")


def test_a_session_at_each_evse_and_back_to_idle(bench: Bench) -> None:
    evses = bench.state()["evses"]
    events = bench.events(names=["contactor"], kinds=["value"], timeout_s=PATIENCE_S)
    for number in evses:
        view = bench.evse(number)
        with pytest.raises(Refused, match=f"no transaction runs on EVSE {number}"):
            view.setpoint(power_W=-5000)
        view.plug()
        view.token()
    for number in evses:
        view = bench.evse(number)
        view.wait(car_loops={"at_least": 1}, stage="TRANSFER", within_s=PATIENCE_S)
        view.setpoint(power_W=-5000 - 1000 * number)
        view.wait(power_W={"near": -5000 - 1000 * number, "within_percent": 3}, within_s=PATIENCE_S, for_s=0.5)
    closed = set[int]()
    while closed != set(evses):
        event = next(events)
        closed |= {event["evse"]} if event["value"] == "closed" else set()
    last = bench.evse(evses[-1])
    last.inject("physics.insulation", value=20000)
    last.wait(contactor="open", faults={"has": "INSULATION"}, within_s=PATIENCE_S)
    with pytest.raises(Refused, match="a fault is on"):
        last.setpoint(power_W=1000)
    assert bench.reset(to="idle") == {"idle": True}
    for number in evses:
        bench.evse(number).wait(connector_status="Available", faults=[], plugged=False, within_s=0)
    assert bench.state()["central_system"]["violations"] == []


def test_a_cause_that_stays_is_named_by_reset(bench: Bench) -> None:
    bench.e_stop()
    bench.wait(faults={"has": "EMERGENCY_STOP"}, within_s=PATIENCE_S)
    with pytest.raises(Refused, match="faults stay"):
        bench.reset()
    bench.e_stop(on=False)
    bench.wait(stage="FAULTED", within_s=PATIENCE_S)
    assert bench.reset(to="idle") == {"idle": True}


def test_a_shipped_scenario_is_played_again_and_again(bench: Bench, tmp_path: Path) -> None:
    for _ in range(2):
        found = bench.play("insulation-drops")
        assert (found["verdict"], found["reasons"]) == ("passed", [])
    file = tmp_path / "fails.yaml"
    file.write_text("name: It fails\nsteps:\n- expect: {contactor: closed}\n  within_s: 0.2\n")
    found = bench.play(str(file))
    assert found["verdict"] == "failed"
    assert "contactor was open all the time" in found["reasons"][0]
    with pytest.raises(Refused, match="did you mean"):
        bench.play("insulation-drop")
    file.write_text("name: Other\nbench: {outlet: ac}\nsteps:\n- do: plug\n")
    with pytest.raises(Refused, match=r"bench\.outlet = ac"):
        bench.play(str(file))


def test_the_story_is_played_in_the_background_and_idle_ends_it(bench: Bench) -> None:
    assert bench.story()["story"].startswith("step 1")
    with pytest.raises(Refused, match="under way"):
        bench.story()
    bench.wait(stage="TRANSFER", within_s=PATIENCE_S)
    assert bench.reset(to="idle") == {"idle": True}
    assert "ended on request" in bench.state()["story"]


def test_what_a_car_was_made_to_is_taken_back(bench: Bench) -> None:
    before = bench.car()["spec"]
    bench.car(soc_percent=90, target_soc_percent=95)
    bench.car_plan({"wishes": [{"what": "pause", "at_loop": 5, "for_s": 1}]})
    assert bench.car()["body"]["soc_percent"] == pytest.approx(90, abs=0.1)
    bench.reset(to="idle")
    assert bench.car()["spec"] == before
    assert bench.car()["body"]["soc_percent"] < 60


def test_a_process_that_is_killed_comes_back_and_the_door_stays(bench: Bench) -> None:
    pid = bench.kill("daemon")["pid"]
    with pytest.raises(Expired):
        bench.wait(contactor="closed", within_s=0.5)
    until_s = time.monotonic() + PATIENCE_S
    while not (state := bench.state())["processes"]["daemon"]["pid"] or state["processes"]["daemon"]["pid"] == pid:
        assert time.monotonic() < until_s
        time.sleep(0.1)
    assert bench.reset(to="idle") == {"idle": True}


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "hil.steering", "--http", "127.0.0.1:0", "--json", "--dir", str(folder), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_it_ends_with_its_input_and_leaves_no_process(tmp_path: Path) -> None:
    process, ready = started(tmp_path, "--until-input-ends")
    with urllib.request.urlopen(f"{ready['http']}/state", timeout=PATIENCE_S) as answer:
        children = [one["pid"] for one in json.load(answer)["processes"].values()]
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert (tmp_path / "log" / "daemon.log").exists()
    assert not Path(ready["socket"]).exists()
    with pytest.raises(BenchGone):
        Bench.connect(ready["socket"])


def test_sigint_ends_it_in_order(tmp_path: Path) -> None:
    process, ready = started(tmp_path)
    os.kill(ready["pid"], signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--http", "0.0.0.0:0"], "without a token only the loopback"),
        (["--http", "nowhere"], "HOST:PORT expected"),
        (["--token-file", "{0}/short"], "at least 16"),
        (["--dir", "{0}/" + "x" * 100], "at most 80"),
        (["--evses", "100"], "1<=x<=99"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: list[str], words: str) -> None:
    (tmp_path / "short").write_text("secret\n")
    command = [sys.executable, "-m", "hil.steering", "--dir", str(tmp_path), *(one.format(tmp_path) for one in options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode != 0
    assert words in done.stderr
