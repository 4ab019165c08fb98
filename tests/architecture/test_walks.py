"""The walks of docs/architecture.md, followed through the calls a real demo makes: in order, and as one chain where the page says so.

The demo runs whole, with its two processes; in each of them the functions named are wrapped and note their calls.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.conftest import free_udp_port

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
STEP = re.compile(r"`([\w/]+\.py)` -> `([\w.]+)`")

pytestmark = pytest.mark.slow  # a whole demo

Calls = dict[int, list[tuple[float, str, str]]]


def walk(number: int) -> list[str]:
    """The functions of one walk, in the page's order."""
    begin = PAGE.index(f"### {number}. ")
    ends = [PAGE.index(mark, begin + 1) for mark in ("\n### ", "\n## ") if mark in PAGE[begin + 1 :]]
    return [f"{file} -> {function}" for file, function in STEP.findall(PAGE[begin : min(ends)])]


def slice_of(steps: list[str], first: str, last: str) -> list[str]:
    """The steps from one function to another, both included."""
    names = [step.split(" -> ")[1] for step in steps]
    return steps[names.index(first) : names.index(last) + 1]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """What both processes of one demo called, by process."""
    return play(tmp_path_factory.mktemp("walks"))


def play(folder: Path) -> Calls:
    """A whole demo, in this folder."""
    traces = folder / "traces"
    traces.mkdir()
    names = sorted({pair for number in (1, 2, 3, 4) for pair in (tuple(s.split(" -> ")) for s in walk(number))})
    environ = {
        **os.environ,
        "PYTHONPATH": f"{Path(__file__).parent / 'walk_tracer'}{os.pathsep}{ROOT}",
        "WALK_TRACE_DIR": str(traces),
        "WALK_TRACE_NAMES": json.dumps(names),
    }
    command = [
        sys.executable,
        "-m",
        "hil.demo",
        "--once",
        "--dir",
        str(folder / "demo"),
        "--report",
        str(folder / "r.json"),
    ]
    command += ["--sdp-port", str(free_udp_port())]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {int(path.stem): [tuple(event) for event in json.loads(path.read_text())] for path in traces.glob("*.json")}
    assert len(found) >= 2, "daemon and power process each write one trace"
    return found


def in_order(calls: Calls, steps: list[str]) -> str | None:
    """The first step that no process called after the step before; None where all were."""
    times: dict[str, list[float]] = {}
    for events in calls.values():
        for at_s, event, name in events:
            if event == "call":
                times.setdefault(name, []).append(at_s)
    now_s = 0.0
    for step in steps:
        later = [t for t in times.get(step, []) if t >= now_s]
        if not later:
            return step
        now_s = min(later)
    return None


def one_chain(calls: Calls, steps: list[str]) -> bool:
    """Somewhere all steps were called in order while the first one had not returned."""
    for events in calls.values():
        depth, reached = 0, 0
        for _, event, name in events:
            if name == steps[0]:
                depth += 1 if event == "call" else -1
                if depth <= 1:
                    reached = depth
            elif depth > 0 and event == "call" and reached < len(steps) and name == steps[reached]:
                reached += 1
                if reached == len(steps):
                    return True
    return False


@pytest.mark.parametrize("number", [1, 2, 4])
def test_the_functions_of_a_walk_are_called_in_its_order(calls: Calls, number: int) -> None:
    steps = walk(number)
    assert len(steps) >= 7
    assert in_order(calls, steps) is None


def test_a_cars_demand_reaches_the_power_link_in_one_chain_of_calls(calls: Calls, tmp_path: Path) -> None:
    """A message of the car that changes its demand. In a demo on a busy machine an image may renew each demand first."""
    steps = slice_of(walk(1), "CarConnection.data_received", "LinkClient.demand")
    assert len(steps) >= 12
    assert one_chain(calls, steps) or one_chain(play(tmp_path), steps)


def test_a_central_systems_setpoint_reaches_the_power_link_in_one_chain_of_calls(calls: Calls) -> None:
    assert one_chain(calls, slice_of(walk(2), "StationShell.command", "LinkClient.demand"))


def test_the_power_process_obeys_in_one_cycle(calls: Calls) -> None:
    """`Cycle.tick` of walk 3 holds the steps from the readings to the module's command."""
    tick = next(step for step in walk(3) if step.endswith("Cycle.tick"))
    steps = slice_of(walk(1), "DcSequence.step", "ProfiledModule.command")
    assert one_chain(calls, [tick, *steps])


def test_a_trips_path_is_one_cycle(calls: Calls) -> None:
    """From the readings to the interlocks, the latches and the sequence: nothing queues in between."""
    steps = walk(3)
    cycle = next(step for step in steps if step.endswith("EvseStage.cycle"))
    names = [step.split(" -> ")[1] for step in steps]
    assert one_chain(calls, steps[names.index(cycle.split(" -> ")[1]) : names.index("DcSequence.step") + 1])
    assert in_order(calls, steps[: names.index("Cycle.tick")]) is None


def test_a_step_nobody_calls_is_found_out(calls: Calls) -> None:
    steps = walk(2)
    assert (
        in_order(calls, [*steps, "chargepoint/nowhere.py -> Nothing.at_all"])
        == "chargepoint/nowhere.py -> Nothing.at_all"
    )
    assert in_order(calls, [steps[-1], "chargepoint/app/wiring.py -> Daemon.__init__"]) is not None
    assert not one_chain(calls, [steps[-1], steps[0]])
