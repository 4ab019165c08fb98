"""Bring-up and self-test over real ptys against the plant process: values, steps, refusals, and that everything is off after any end."""

from __future__ import annotations

import json
import logging
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from chargepoint.commissioning.bringup import NoSuchDevice, find_device, users_of
from chargepoint.commissioning.measure import StepResult, StepVerdict
from chargepoint.commissioning.outlet import REST, OutletOrder
from chargepoint.commissioning.rig import Rig
from chargepoint.commissioning.selftest_report import schema
from chargepoint.commissioning.steps import Step, contactor, module_voltage
from chargepoint.config.schema import Config
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.ports import PowerModuleCommand
from chargepoint.power.hardware_lock import BRINGUP, POWER_PROCESS, HardwareLock, HardwareTaken
from chargepoint.power.latch_codec import encode
from chargepoint.power.wear_file import WearFile
from chargepoint.power.wiring import latch_folder
from chargepoint.safety.wear import Wear
from hil.simulators.wired_plant import read_config

REPOSITORY = Path(__file__).parents[2]
GIVE_UP_S = 40.0


class Plant:
    """The plant process with the demo configuration, and its control socket."""

    def __init__(self, directory: Path, configuration: str = "demo.toml") -> None:
        text = (REPOSITORY / "config" / configuration).read_text()
        self.config_file = directory / "bench.toml"
        self.config_file.write_text(text.replace("var/demo/", f"{directory}/"))
        self.config: Config = read_config(self.config_file)
        command = [sys.executable, "-m", "hil.simulators.plant", "--config", str(self.config_file)]
        self.process = subprocess.Popen(
            [*command, "--dir", str(directory), "--urgent", "--self-test-s", "0.5"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(ready["control"])
        self.lines = self.socket.makefile("rw")

    def do(self, verb: str, **values: Any) -> dict[str, Any]:
        self.lines.write(json.dumps({"do": verb, **values}) + "\n")
        self.lines.flush()
        answer: dict[str, Any] = json.loads(self.lines.readline())
        assert answer["ok"], answer
        return answer

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.do("state")["evses"]["1"]
        return found

    @property
    def off(self) -> bool:
        """Contactor, lock and discharge off, pilot F, module off."""
        state = self.state
        return (
            not state["contactor_closed"]
            and not state["board_request"]
            and state["pilot_command"] == "F"
            and not state["modules"]["psu1"]["output_on"]
        )

    def until(self, what: Callable[[], object]) -> None:
        give_up_s = time.monotonic() + GIVE_UP_S
        while not what():
            assert time.monotonic() < give_up_s, "the condition never came true"
            time.sleep(0.01)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "chargepoint", *arguments, "--config", str(self.config_file)]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            cwd=REPOSITORY,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=REPOSITORY
        )

    def stop(self) -> None:
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


@pytest.fixture(scope="module")
def whole_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    plant = Plant(tmp_path_factory.mktemp("p"))
    yield plant
    plant.stop()


@pytest.fixture
def plant(whole_plant: Plant) -> Iterator[Plant]:
    """Each test begins with everything off."""
    whole_plant.until(lambda: whole_plant.off)
    yield whole_plant
    whole_plant.do("unplug")


def test_every_value_of_a_board_is_shown_once(plant: Plant) -> None:
    done = plant.run("bringup", "io1", "--once", "--json")
    assert done.returncode == 0, done.stderr
    points = {row["point"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert points["port.pilot"]["value"] == "A"
    assert points["pilot_high"]["value"] == pytest.approx(12.0, abs=0.5)
    assert points["pilot_high"]["registers"] == [12000]
    assert all(row["good"] for row in points.values())
    assert plant.off


@pytest.mark.parametrize("device", ["power_module.psu1", "meter1", "imd1", "rfid1"])
def test_every_kind_of_device_shows_good_values(plant: Plant, device: str) -> None:
    done = plant.run("bringup", device, "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " good" in done.stdout


def test_the_steps_of_a_board_and_a_module_pass_and_leave_everything_off(plant: Plant) -> None:
    done = plant.run("bringup", "io1", "--json", "--do", "contactor", "--do", "lock", "--do", "discharge")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["command"], one["verdict"]) for one in results] == [
        ("contactor", "pass"), ("lock", "pass"), ("discharge", "pass"),
    ]  # fmt: skip
    assert done.returncode == 0
    assert plant.off
    assert plant.run("bringup", "psu1", "--do", "voltage=48").returncode == 0
    assert plant.off


def test_closings_of_bring_up_are_counted_as_wear(plant: Plant) -> None:
    def closings() -> int:
        folder = latch_folder(plant.config)
        counted = WearFile(folder, logging.getLogger("test-wear")).read().wear
        return counted.get(EvseId(1), Wear()).closings

    before = closings()
    assert plant.run("bringup", "io1", "--do", "contactor", "--do", "contactor").returncode == 0
    assert closings() == before + 2
    assert plant.run("bringup", "io1", "--do", "lock").returncode == 0
    assert closings() == before + 2


def test_nothing_begins_while_a_car_is_plugged_in(plant: Plant) -> None:
    plant.do("plug")
    for arguments in (("bringup", "io1", "--do", "lock"), ("bringup", "psu1", "--once"), ("selftest",)):
        done = plant.run(*arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "a car is plugged in: the control pilot is in state B" in done.stdout + done.stderr
    assert plant.off


def test_a_car_that_comes_during_a_step_switches_everything_off(plant: Plant) -> None:
    running = plant.start("bringup", "psu1", "--do", "voltage")
    plant.until(lambda: plant.state["modules"]["psu1"]["output_on"])
    plant.do("plug")
    out, _ = running.communicate(timeout=GIVE_UP_S)
    assert running.returncode == 1
    assert "broken off: a car is plugged in" in out
    assert plant.off


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_during_a_step_switches_everything_off_first(plant: Plant, number: int) -> None:
    running = plant.start("bringup", "psu1", "--do", "voltage")
    plant.until(lambda: plant.state["modules"]["psu1"]["output_on"])
    running.send_signal(number)
    running.communicate(timeout=GIVE_UP_S)
    assert running.returncode == 128 + number
    assert plant.off


def test_a_kill_leaves_the_rest_to_the_watchdog_of_the_board(plant: Plant) -> None:
    running = plant.start("bringup", "io1", "--do", "contactor")
    plant.until(lambda: plant.state["contactor_closed"])
    running.kill()
    running.communicate(timeout=GIVE_UP_S)
    plant.until(lambda: not plant.state["contactor_closed"])
    assert plant.run("bringup", "io1", "--do", "x1").returncode == 0, "the board's watchdog latch is cleared by itself"


def test_an_exception_in_a_step_switches_everything_off(plant: Plant) -> None:
    def defective() -> Step:
        seen = yield REST
        on = OutletOrder(module="psu1", module_command=PowerModuleCommand(True, 1.0, 50.0, 0.0))
        until_s = seen.now_s + GIVE_UP_S
        while seen.now_s < until_s:
            seen = yield on
            state = seen.modules["psu1"]
            if state is not None and state.output_on:
                raise RuntimeError("a defect in a step")
        return StepResult(StepVerdict.FAIL)

    with (
        pytest.raises(RuntimeError, match="a defect in a step"),
        Rig(plant.config, [EvseId(1)]) as rig,
    ):
        rig.start()
        rig.run(rig.outlets[EvseId(1)], defective(), GIVE_UP_S)
    assert plant.off


def test_a_step_is_broken_off_at_its_bound(plant: Plant) -> None:
    with Rig(plant.config, [EvseId(1)]) as rig:
        rig.start()
        result = rig.run(rig.outlets[EvseId(1)], module_voltage("psu1"), 1.0)
        assert result.broken_off
        assert "its bound of 1 s is over" in result.reason
        plant.until(lambda: not plant.state["modules"]["psu1"]["output_on"])


def test_an_open_door_keeps_the_contactor_open(plant: Plant) -> None:
    plant.do("fault", name="door_open", on=True)
    try:
        done = plant.run("bringup", "io1", "--do", "contactor", "--do", "lock")
        assert "contactor: NOT RUN: safety inputs are open: door" in done.stdout
        assert "lock: PASS" in done.stdout
        assert done.returncode == 2
    finally:
        plant.do("fault", name="door_open", on=False)


def test_bring_up_and_power_process_exclude_each_other(plant: Plant) -> None:
    folder = plant.config.station.runtime_dir
    held = HardwareLock(folder, POWER_PROCESS)
    try:
        for arguments in (("bringup", "io1", "--once"), ("selftest",)):
            done = plant.run(*arguments)
            assert done.returncode == 2
            assert "systemctl stop chargepoint-power" in done.stderr
    finally:
        held.release()
    held = HardwareLock(folder, BRINGUP)
    try:
        done = plant.run("power")
        assert done.returncode == 1
        assert "the hardware is in use by chargepoint bringup" in done.stderr
    finally:
        held.release()


def test_the_lock_ends_with_its_owner_and_names_nobody_who_left(tmp_path: Path) -> None:
    first = HardwareLock(tmp_path, BRINGUP)
    with pytest.raises(HardwareTaken, match=f"chargepoint bringup, process {os.getpid()}"):
        HardwareLock(tmp_path, POWER_PROCESS)
    first.release()
    HardwareLock(tmp_path, POWER_PROCESS).release()
    assert (tmp_path / "hardware.lock").read_text() == ""


def read_for(descriptor: int, words: str) -> str:
    """What the terminal shows until these words come."""
    shown, give_up_s = "", time.monotonic() + GIVE_UP_S
    while words not in shown:
        assert time.monotonic() < give_up_s, shown[-2000:]
        if select.select([descriptor], [], [], 0.1)[0]:
            shown += os.read(descriptor, 65536).decode(errors="replace")
    return shown


def in_terminal(plant: Plant, *arguments: str) -> tuple[int, int]:
    """Process and terminal of a command that believes it has a person before it."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child
        os.environ.update(COLUMNS="60", LINES="50", TERM="xterm")
        os.chdir(REPOSITORY)
        os.execv(sys.executable, plant.command(*arguments))
    return pid, terminal


def test_a_person_steps_through_a_command_with_two_keys(plant: Plant) -> None:
    pid, terminal = in_terminal(plant, "bringup", "psu1")
    try:
        read_for(terminal, "1 enable")
        os.write(terminal, b"1")
        assert "switched on with 0 A" in read_for(terminal, "Press y")
        os.write(terminal, b"n")
        read_for(terminal, "enable: left")
        os.write(terminal, b"1")
        read_for(terminal, "Press y")
        os.write(terminal, b"y")
        read_for(terminal, "enable: PASS")
        os.write(terminal, b"q")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        os.close(terminal)
    assert plant.off


def test_a_lost_terminal_switches_everything_off(plant: Plant) -> None:
    pid, terminal = in_terminal(plant, "bringup", "psu1")
    read_for(terminal, "2 voltage")
    os.write(terminal, b"2")
    read_for(terminal, "Press y")
    os.write(terminal, b"y")
    plant.until(lambda: plant.state["modules"]["psu1"]["output_on"])
    os.close(terminal)
    os.waitpid(pid, 0)
    assert plant.off


def selftest(plant: Plant) -> dict[str, Any]:
    done = plant.run("selftest", "--evse", "1", "--json", "--polls", "20")
    report: dict[str, Any] = json.loads(done.stdout)
    jsonschema_rs.validate(json.loads(schema()), report)
    assert done.returncode == int(report["failed"] > 0)
    return report


def test_the_self_test_runs_every_item_and_nothing_but_the_person_is_missing(plant: Plant) -> None:
    items = {one["item"]: one for one in selftest(plant)["items"]}
    hardware = {"bus", "identity", "round-trips", "pilot", "inputs", "latched", "temperatures", "contacts", "output"}
    steps = {"pwm", "lock", "discharge", "contactor", "self-test", "enable", "voltage"}
    assert {name for name in hardware | steps if items[name]["verdict"] != "pass"} == set()
    assert items["emergency-stop"]["verdict"] == "not run"
    assert "terminal" in items["emergency-stop"]["reason"]
    assert plant.off


def test_a_person_presses_the_emergency_stop_and_the_board_is_well_afterwards(plant: Plant) -> None:
    pid, terminal = in_terminal(plant, "selftest", "--evse", "1", "--polls", "5")
    try:
        read_for(terminal, "press the emergency stop now")
        plant.do("estop", on=True)
        read_for(terminal, "release it now")
        plant.do("estop", on=False)
        shown = read_for(terminal, " not run")
        assert "emergency stop opens the chain: opened after" in shown
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        os.close(terminal)
        plant.do("estop", on=False)
    assert plant.run("bringup", "io1", "--do", "contactor").returncode == 0
    assert plant.off


def test_a_silent_board_is_shown_as_silent_and_no_step_begins(plant: Plant) -> None:
    plant.do("fault", name="board_silent", on=True)
    try:
        once = plant.run("bringup", "io1", "--once")
        done = plant.run("bringup", "io1", "--do", "lock")
    finally:
        plant.do("fault", name="board_silent", on=False)
    assert once.returncode == 1
    assert "BAD" in once.stdout
    assert done.returncode == 2
    assert "the control pilot cannot be measured" in done.stdout


def test_the_self_test_names_the_part_that_is_broken(plant: Plant) -> None:
    plant.do("fault", name="discharge_open", on=True)
    try:
        items = {one["item"]: one for one in selftest(plant)["items"]}
    finally:
        plant.do("fault", name="discharge_open", on=False)
    assert items["discharge"]["verdict"] == "fail"
    assert "closes in no value (at most 500 ms)" in items["discharge"]["reason"]
    assert items["discharge"]["remedy"]
    assert items["contactor"]["verdict"] == "pass"


def test_an_ac_outlet_has_fewer_items_and_its_contactor_stays_open(tmp_path: Path) -> None:
    plant = Plant(tmp_path, "demo-ac.toml")
    try:
        items = {one["item"]: one for one in selftest(plant)["items"]}
    finally:
        plant.stop()
    assert {name for name, one in items.items() if one["verdict"] == "fail"} == set()
    assert items["contactor"]["verdict"] == "not run"
    assert "grid before its contactor" in items["contactor"]["reason"]
    assert {"enable", "voltage", "self-test", "discharge", "output"}.isdisjoint(items)
    assert items["frequency"]["verdict"] == items["lock"]["verdict"] == "pass"


def test_a_fault_that_waits_for_a_reset_is_named_by_both(plant: Plant) -> None:
    folder = latch_folder(plant.config)
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "latched-faults.json"
    record.write_bytes(encode({EvseId(1): {FaultCode.CONTACTOR_WELDED: "mirror contact"}}))
    try:
        items = {one["item"]: one for one in selftest(plant)["items"]}
        shown = plant.run("bringup", "io1", "--once").stdout
    finally:
        record.unlink()
    assert items["kept-faults"]["verdict"] == "fail"
    assert "CONTACTOR_WELDED" in items["kept-faults"]["reason"]
    assert "EVSE 1: the power process keeps latched until a reset: CONTACTOR_WELDED" in shown


def test_the_schema_of_the_report_is_in_the_documents() -> None:
    assert (REPOSITORY / "docs" / "selftest.schema.json").read_text() == schema(), (
        "make it anew: python -m chargepoint.commissioning.selftest_report > docs/selftest.schema.json"
    )


def test_a_device_is_found_by_its_name() -> None:
    config = read_config(REPOSITORY / "config" / "demo.toml")
    assert find_device(config, "io1") == find_device(config, "pilot_board.io1") == ("pilot_board", "io1")
    assert users_of(config, "pilot_board", "io1") == (1,)
    with pytest.raises(NoSuchDevice, match=r"known are .*pilot_board\.io1"):
        find_device(config, "io9")


def test_the_contactor_step_is_what_the_rig_measures(plant: Plant) -> None:
    with Rig(plant.config, [EvseId(1)]) as rig:
        rig.start()
        result = rig.run(rig.outlets[EvseId(1)], contactor(), 6.0)
        assert result.verdict is StepVerdict.PASS, result
        assert rig.turn() == set()
