"""Drivers on real ptys against the plant process: every device, every bus fault, an unplugged adapter."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chargepoint.config.schema import Config
from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot
from chargepoint.ports import BusSpec, DeviceSpec, IoCommand, PowerModuleCommand
from drivers import catalog
from drivers.modbus.transaction import (
    Failed,
    FailureKind,
    Outcome,
    Priority,
    Read,
    ReadDone,
    Request,
    WriteCoil,
    WriteDone,
    WriteRegister,
    WriteRegisters,
)
from drivers.serial_bus import SerialBus
from hil.simulators.wired_plant import read_config

REPOSITORY = Path(__file__).parents[2]
GIVE_UP_S = 20.0
STATE = Read(11, 3, 505, 5)


class Bench:
    """The plant process with the demo configuration's first EVSE, and its control socket."""

    def __init__(self, directory: Path) -> None:
        text = (REPOSITORY / "config" / "demo.toml").read_text()
        self.config_file = directory / "bench.toml"
        self.config_file.write_text(text.replace("var/demo/", f"{directory}/"))
        self.config: Config = read_config(self.config_file)
        command = [
            sys.executable,
            "-m",
            "hil.simulators.plant",
            "--config",
            str(self.config_file),
            "--dir",
            str(directory),
            "--urgent",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY)
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.ready["control"])
        self.lines = self.socket.makefile("rw")

    def raw(self, line: str) -> dict[str, Any]:
        self.lines.write(line + "\n")
        self.lines.flush()
        answer: dict[str, Any] = json.loads(self.lines.readline())
        return answer

    def do(self, verb: str, **values: Any) -> dict[str, Any]:
        answer = self.raw(json.dumps({"do": verb, **values}))
        assert answer["ok"], answer
        return answer

    def open(self, name: str) -> Any:
        bus = self.config.bus[name]
        return catalog.open_bus(BusSpec(name, bus.kind, bus.port, bus.baud, bus.format, bus.gap_ms))

    def device(self, kind: str, name: str, bus: Any) -> Any:
        section = getattr(self.config, kind)[name]
        unit, profile = getattr(section, "unit", 1), getattr(section, "profile", None)
        spec = DeviceSpec(name, kind, section.driver, section.bus, unit, profile, section.params)
        return catalog.build_device(spec, bus)

    def stop(self) -> int:
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("p"))
    yield bench
    assert bench.stop() == 0
    assert not Path(bench.ready["control"]).exists()
    assert not any(Path(port).is_symlink() for port in bench.ready["ports"].values())


@pytest.fixture
def fast1(bench: Bench) -> Iterator[SerialBus]:
    bus = bench.open("fast1")
    assert isinstance(bus, SerialBus)
    yield bus
    bus.close()


def _pump(buses: list[Any], devices: list[Any], until: Callable[[], object]) -> None:
    """Pump as the power process does, until the condition holds."""
    give_up_at_s = time.monotonic() + GIVE_UP_S
    while not until():
        now_s = time.monotonic()
        assert now_s < give_up_at_s, "condition never came true"
        for device in devices:
            device.poll(now_s)
        for bus in buses:
            bus.pump(now_s)
        descriptors = [fd for bus in buses if (fd := bus.fileno()) is not None]
        select.select(descriptors, [], [], 0.001)


def _ask(bus: SerialBus, request: Request, priority: Priority = Priority.FAST) -> Outcome:
    heard: list[Outcome] = []
    bus.master.submit(request, heard.append, priority)
    _pump([bus], [], lambda: heard)
    return heard[0]


def _connect(bus: SerialBus) -> None:
    _pump([bus], [], lambda: bus.health().connected)


def test_every_function_code(fast1: SerialBus) -> None:
    _connect(fast1)
    assert isinstance(_ask(fast1, WriteCoil(11, 402, True)), WriteDone)
    assert _ask(fast1, Read(11, 1, 402, 4)).registers == (1, 0, 0, 0)  # type: ignore[union-attr]
    assert isinstance(_ask(fast1, WriteRegister(11, 500, 1234)), WriteDone)
    assert _ask(fast1, Read(11, 3, 500, 1)).registers == (1234,)  # type: ignore[union-attr]
    assert isinstance(_ask(fast1, Read(1, 4, 0, 24)), ReadDone)
    assert isinstance(_ask(fast1, WriteRegisters(1, 110, (1000,))), WriteDone)
    refused = _ask(fast1, Read(11, 3, 600, 1))
    assert isinstance(refused, Failed)
    assert (refused.kind, refused.exception_code) == (FailureKind.EXCEPTION, 2)
    _ask(fast1, WriteCoil(11, 402, False))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("late", 0.25, FailureKind.TIMEOUT),
        ("silence", None, FailureKind.TIMEOUT),
        ("short", 3, FailureKind.CRC),
        ("bit_flip", None, FailureKind.CRC),
        ("wrong_function", None, FailureKind.MISMATCH),
    ],
)
def test_bus_faults_are_failures_and_the_next_answer_is_right(
    bench: Bench, fast1: SerialBus, kind: str, value: float | None, expected: FailureKind
) -> None:
    _connect(fast1)
    good = _ask(fast1, Read(11, 3, 1, 2))
    bench.do("bus_fault", bus="fast1", kind=kind, count=1, value=value)
    failed = _ask(fast1, Read(11, 3, 9000, 2))
    assert isinstance(failed, Failed)
    if kind == "bit_flip":
        # a flipped bit in the unit or length makes it somebody else's or no frame at all
        assert failed.kind in (FailureKind.CRC, FailureKind.MISMATCH)
    else:
        assert failed.kind is expected
    answers: list[Outcome] = []
    while not any(isinstance(answer, ReadDone) for answer in answers):
        answers.append(_ask(fast1, Read(11, 3, 1, 2)))
    assert isinstance(good, ReadDone)
    assert isinstance(answers[-1], ReadDone)
    assert answers[-1].registers == good.registers
    injected = int(kind == "late")
    late_by_load = sum(isinstance(answer, Failed) and answer.kind is FailureKind.TIMEOUT for answer in answers)
    assert injected <= fast1.health().late <= injected + late_by_load  # on a quiet machine the second is 0


def test_babble_before_a_reply_is_skipped(bench: Bench, fast1: SerialBus) -> None:
    _connect(fast1)
    bench.do("bus_fault", bus="fast1", kind="babble", count=1, value=20)
    assert isinstance(_ask(fast1, STATE), ReadDone)


def test_an_unplugged_adapter_fails_everything_and_comes_back(bench: Bench, fast1: SerialBus) -> None:
    _connect(fast1)
    bench.do("bus_fault", bus="fast1", kind="unplugged")
    heard: list[Outcome] = []
    fast1.master.submit(STATE, heard.append, Priority.FAST)
    _pump([fast1], [], lambda: heard)
    assert isinstance(heard[0], Failed)
    _pump([fast1], [], lambda: not fast1.health().connected)
    assert fast1.fileno() is None
    assert fast1.health().trouble
    bench.do("bus_fault", bus="fast1", kind="unplugged", on=False)
    _connect(fast1)
    assert not fast1.health().trouble
    assert isinstance(_ask(fast1, STATE), ReadDone)


def test_a_port_that_does_not_exist_is_no_exception() -> None:
    bus = SerialBus(BusSpec("b", "serial", "/nonexistent/tty"))
    bus.pump(1.0)
    assert bus.fileno() is None
    assert bus.health().trouble == (
        "/nonexistent/tty: no such device; see that the adapter is plugged in, and the port of the bus"
    )
    assert bus.deadline_s == 2.0
    heard: list[Outcome] = []
    bus.master.submit(STATE, heard.append, Priority.FAST)
    bus.pump(1.5)
    assert isinstance(heard[0], Failed)
    assert heard[0].kind is FailureKind.DISCONNECTED
    bus.close()


def test_a_whole_session(bench: Bench) -> None:
    """Plug, cable check, pre-charge, charge, discharge, stop: what the drivers say and what the plant knows agree."""
    fast, slow = bench.open("fast2"), bench.open("slow2")
    module = bench.device("power_module", "psu2", fast)
    board = bench.device("pilot_board", "io2", fast)
    meter, monitor = bench.device("meter", "meter2", slow), bench.device("insulation_monitor", "imd2", slow)

    def until(condition: Callable[[], object]) -> None:
        _pump([fast, slow], [board, module, meter, monitor], condition)

    def plant() -> dict[str, Any]:
        return bench.do("state", evse=2)

    until(lambda: board.state and module.state and meter.registers and monitor.state)
    bench.do("car_auto", evse=2)
    ready = IoCommand(PilotCommand.PWM, 5.0, lock=True)
    closed = IoCommand(PilotCommand.PWM, 5.0, contactor=True, lock=True)
    board.order(ready)
    until(lambda: board.state.value.pilot is ControlPilot.C)
    board.order(closed)
    until(lambda: board.state.value.contactor_positive_closed and board.state.value.contactor_negative_closed)
    module.command(PowerModuleCommand(True, 2.0, 500.0, 0.0))
    until(lambda: module.state.value.voltage_V > 495 and meter.registers.voltage_V > 495)
    monitor.start_self_test()
    until(lambda: monitor.state.value.self_test_passed)
    assert monitor.state.value.resistance_ohm > 100_000
    module.command(PowerModuleCommand())
    board.order(IoCommand(PilotCommand.PWM, 5.0, contactor=True, discharge=True, lock=True))
    until(lambda: meter.registers.voltage_V < 60 and not module.state.value.output_on)
    board.order(closed)
    module.command(PowerModuleCommand(True, 2.0, 400.0, 0.0))
    until(lambda: plant()["car_contactors_closed"])
    module.command(PowerModuleCommand(True, 25.0, 450.0, 300.0))
    until(lambda: meter.registers.current_A > 24.5 and meter.registers.import_Wh > 1.0)
    module.command(PowerModuleCommand(True, -25.0, 450.0, 300.0))
    until(lambda: meter.registers.current_A < -24.5 and meter.registers.export_Wh > 1.0)
    module.command(PowerModuleCommand())
    until(lambda: not module.state.value.output_on and abs(meter.registers.current_A) < 1.0)
    board.order(ready)
    until(lambda: not board.state.value.contactor_positive_closed and board.state.value.pilot is ControlPilot.B)
    until(lambda: meter.registers.voltage_V < 60)
    board.order(IoCommand())
    until(lambda: board.state.value.pilot is ControlPilot.F)
    known = plant()
    assert known["opened_under_A"] < 1.0
    assert meter.registers.import_Wh == pytest.approx(known["plant_import_Wh"], abs=0.02)
    assert meter.registers.export_Wh == pytest.approx(known["plant_export_Wh"], abs=0.02)
    assert known["plant_export_Wh"] > 1.0
    fast.close()
    slow.close()


def test_a_card_at_the_reader(bench: Bench) -> None:
    bus = bench.open("reader1")
    reader = bench.device("token_reader", "rfid1", bus)
    _pump([bus], [reader], lambda: bus.fileno() is not None)
    bench.do("token", value="04:a1:b2:c3:d4:e5:f6")
    seen: list[str] = []

    def look() -> bool:
        seen.extend(reader.tokens())
        return bool(seen)

    _pump([bus], [reader], look)
    assert seen == ["04A1B2C3D4E5F6"]
    bus.close()


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"do": "fly"}',
        '{"do": "state", "evse": 9}',
        '{"do": "state", "evse": []}',
        '{"do": "car", "soc_percent": 101}',
        '{"do": "car", "pilot": "Z"}',
        '{"do": "car", "colour": "red"}',
        '{"do": "fault", "name": "gremlin"}',
        '{"do": "fault", "name": "insulation", "value": "wet"}',
        '{"do": "fault", "name": "door_open", "on": 3}',
        '{"do": "bus_fault", "bus": "fast9", "kind": "late"}',
        '{"do": "bus_fault", "bus": "fast1", "kind": "gone"}',
        '{"do": "token", "value": 5}',
        '{"do": "fault", "name": "over_current", "value": NaN}',
        '{"do": "fault", "name": "over_current", "value": 1e300}',
        '{"do": "fault", "name": "over_current", "value": [1]}',
        '{"do": ["state"]}',
    ],
)
def test_mistakes_are_answered(bench: Bench, line: str) -> None:
    answer = bench.raw(line)
    assert answer["ok"] is False
    assert set(answer["error"]) == {"what", "where", "value", "bound", "remedy"}
    assert bench.do("help")["verbs"]


def test_a_wrong_value_of_a_fault_is_refused_with_what_it_may_be(bench: Bench) -> None:
    error = bench.raw('{"do": "fault", "name": "insulation", "value": "wet"}')["error"]
    assert (error["where"], error["value"]) == ("value", "wet")
    assert "ohms" in error["bound"]


def test_a_refused_change_of_the_car_changes_nothing(bench: Bench) -> None:
    before = bench.do("car", evse=1)["soc_percent"]
    assert bench.raw('{"do": "car", "soc_percent": 77, "pilot": "Z"}')["ok"] is False
    assert bench.do("car", evse=1)["soc_percent"] == pytest.approx(before)


def test_verbs_change_the_plant(bench: Bench) -> None:
    bench.do("plug", evse=1)
    assert bench.raw('{"do": "plug", "evse": 1}')["ok"] is False
    car = bench.do("car", evse=1, soc_percent=30, capacity_Wh=40_000, battery_V=380, pilot="C")
    assert car["battery_V"] == pytest.approx(380.0)
    assert car["pilot"] == "C"
    bench.do("estop", on=True)
    bench.do("door", evse=1, open=True)
    state = bench.do("state")["evses"]["1"]
    assert not state["emergency_chain_closed"]
    assert not state["door_closed"]
    bench.do("estop", on=False)
    bench.do("door", evse=1, open=False)
    bench.do("fault", evse=1, name="insulation", value=20_000)
    assert bench.do("state", evse=1)["insulation_ohm"] == 20_000
    bench.do("fault", evse=1, name="insulation", on=False)
    bench.do("unplug", evse=1)
    assert bench.do("state", evse=1)["plugged"] is False


def test_a_configuration_it_cannot_use_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[bus.a]\nport = 3\n")
    command = [sys.executable, "-m", "hil.simulators.plant", "--config", str(file), "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, cwd=REPOSITORY, timeout=20, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["ready"] is False


def test_a_port_that_is_a_real_file_is_left_alone(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.write_text("precious")
    file = tmp_path / "c.toml"
    file.write_text(f'[bus.a]\nport = "{port}"\n')
    command = [sys.executable, "-m", "hil.simulators.plant", "--config", str(file), "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, cwd=REPOSITORY, timeout=20, check=False)
    assert done.returncode == 2
    assert "not a link of ours" in done.stdout.decode()
    assert port.read_text() == "precious"
