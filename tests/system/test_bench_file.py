"""Benches with real parts: a controller that runs elsewhere, a serial cable, a power module in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.attach.cable import CarCable
from hil.bench.site import Choices, free_port, write

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "hil" / "scenarios" / "charging" / "on-any-bench.yaml"
PATIENCE_S = 150

pytestmark = pytest.mark.system


def performed(bench_file: Path, report: Path) -> dict[str, Any]:
    """The result of the shipped scenario on this bench."""
    command = [sys.executable, "-m", "hil.scenario", "run", str(SCENARIO), "--bench", str(bench_file)]
    done = subprocess.run(
        [*command, "--report", str(report)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    results = json.loads((report / "results.json").read_text())
    (run,) = results["runs"]
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{json.dumps(run, indent=1)}"
    found: dict[str, Any] = run
    return found


@contextlib.contextmanager
def running(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "chargepoint", *arguments], cwd=ROOT, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def serial_cable() -> Iterator[tuple[str, str]]:
    """Two serial devices with a cable between them: what one end writes, the other reads, in pieces of up to five bytes."""
    ends = [os.openpty() for _ in range(2)]
    for end in ends:
        for terminal in end:
            tty.setraw(terminal)
    names = os.ttyname(ends[0][1]), os.ttyname(ends[1][1])
    ended = threading.Event()

    def carry(source: int, target: int) -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                os.write(target, os.read(source, 5))

    for source, target in ((ends[0][0], ends[1][0]), (ends[1][0], ends[0][0])):
        threading.Thread(target=carry, args=(source, target), daemon=True).start()
    try:
        yield names
    finally:
        ended.set()
        for end in ends:
            os.close(end[1])


def as_a_person(plant: Path, out: Path, run: subprocess.Popen[str]) -> list[str]:
    """Do at the real hardware what the log of the run asks for. What was done."""
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("please plug the car in", {"do": "plug"}),
        ("please hold card 04A2B3C4D5E6F7", {"do": "token", "value": "04A2B3C4D5E6F7"}),
        ("please end the session", {"do": "unplug"}),
    ]
    done = []
    while wanted and run.poll() is None:
        words, request = wanted[0]
        if any(words in log.read_text() for log in out.glob("*.log")) and answered(plant, request):
            done.append(request["do"])
            wanted.pop(0)
        time.sleep(0.2)
    return done


def answered(plant: Path, request: dict[str, Any]) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(plant))
        line.sendall(json.dumps(request).encode() + b"\n")
        return bool(json.loads(line.makefile().readline())["ok"])


def test_a_module_in_a_process_of_its_own_charges_the_car(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text('name = "a module alone"\n[power_module.psu1]\nprocess = true\n')
    performed(file, tmp_path / "out")
    (log,) = (tmp_path / "out").glob("*/log/module-psu1.log")
    assert "module psu1 as unit 11 at" in log.read_text()


def test_a_controller_that_runs_elsewhere_is_tested_over_serial_cables(tmp_path: Path) -> None:
    """It is started before the bench, from a configuration of its own; its fast bus is a serial port with a cable to the bench."""
    home = tmp_path / "controller"
    csms_port = free_port()
    config = write(Choices(home, tls=False, sdp_port=free_port(), cables=(CarCable("lo", "lo"),)), csms_port)
    subprocess.run([sys.executable, "-m", "certs", str(home / "pki")], cwd=ROOT, check=True, capture_output=True)
    with serial_cable() as (ours, theirs):
        config.write_text(config.read_text().replace(str(home / "tty" / "fast1"), theirs))
        file = tmp_path / "bench.toml"
        file.write_text(
            f'name = "elsewhere"\n[controller]\nelsewhere = true\nconfig = "{config}"\n[bus.fast1]\ndevice = "{ours}"\n'
        )
        with (
            running("power", "--config", str(config), log=tmp_path / "power.log") as power,
            running("run", "--config", str(config), log=tmp_path / "daemon.log") as daemon,
        ):
            performed(file, tmp_path / "out")
            assert power.poll() is None
            assert daemon.poll() is None
    (folder,) = (tmp_path / "out").glob("*/log")
    assert sorted(log.name for log in folder.iterdir()) == ["plant.log"], "the bench started a controller of its own"


def test_a_real_charger_and_a_real_car_are_judged_by_what_the_station_reports(tmp_path: Path) -> None:
    """Another plant stands for the real hardware. The bench asks a person for plug and card; here a thread is the person."""
    real = tmp_path / "real"
    config = write(Choices(real, tls=False, sdp_port=free_port(), cables=(CarCable("lo", "lo"),)), free_port())
    ports = {name: str(real / "tty" / name) for name in ("fast1", "slow1", "reader1")}
    file, scenario = tmp_path / "bench.toml", tmp_path / "scenario.yaml"
    buses = "".join(f'[bus.{name}]\noutside = true\nport = "{port}"\n' for name, port in ports.items())
    file.write_text(f'[controller]\nconfig = "{config}"\n{buses}[car.1]\nkind = "person"\n')
    scenario.write_text(
        "name: A person plugs in\nsteps:\n- do: plug\n- do: token\n- expect: {transaction: true}\n  within_s: 30\n"
        "- do: unplug\n- expect: {transaction: false, connector_status: Available}\n  within_s: 30\n"
        "- {do: setpoint, with: {power_W: 5}, refused: no transaction}\n- {do: pull_plug, refused: real one}\n"
        "- {do: e_stop, refused: no such EVSE}\n"
    )
    words = ["hil.simulators.plant", "--config", str(config), "--dir", str(real)]
    hardware = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    command = ["hil.scenario", "run", str(scenario), "--bench", str(file), "--report", str(tmp_path / "out")]
    run = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        asked = as_a_person(real / "plant.sock", tmp_path / "out", run)
        output, _ = run.communicate(timeout=PATIENCE_S)
    finally:
        hardware.terminate()
        hardware.wait(20)
        run.kill()
    assert run.returncode == 0, output
    assert asked == ["plug", "token", "unplug"]
