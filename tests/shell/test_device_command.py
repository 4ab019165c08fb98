"""`./run device`: probe, scan and simulate, each against the other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot
from chargepoint.model.pilot_duty import duty_percent
from chargepoint.ports import BusSpec, DeviceSpec
from drivers import device
from drivers.catalog import build_device, open_bus
from drivers.pilot.ac_controller import AcController

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def simulated(*arguments: str) -> Iterator[str]:
    """A simulator of its own process; what it says of itself."""
    command = [sys.executable, "-m", "hil.simulators.device", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait(10)


def test_probe_shows_every_point_of_a_meter_on_a_serial_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / "line"
    with simulated("eastron_sdm630", "--pty", str(link), "--unit", "5") as said:
        assert "eastron_sdm630 as unit 5" in said
        status = device.main(
            ["probe", "eastron_sdm630", "--port", str(link), "--unit", "5", "--format", "8N1", "--json"]
        )
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert status == 0
        points = {point["point"]: point for point in result["points"]}
        assert points["voltage_L1_V"]["value"] == 230.0
        assert points["frequency_Hz"]["verdict"] == "good"
        assert result["unverified"]
        assert device.main(["probe", "gavazzi_em340", "--port", str(link), "--unit", "5"]) == 1
        assert "check unit number and profile" in capsys.readouterr().out
        assert (
            device.main(
                ["scan", "--port", str(link), "--bauds", "9600", "--formats", "8N1", "--units", "4-6", "--json"]
            )
            == 0
        )
        (found,) = json.loads(capsys.readouterr().out)
        assert (found["unit"], "eastron_sdm630" in found["profiles"]) == (5, True)


def test_probe_over_tcp_and_a_device_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with simulated("trumpf_truconvert_dc1000", "--tcp", "127.0.0.1:0", "--unit", "11") as said:
        port = said.split(" at ")[1].partition(";")[0]
        assert device.main(["probe", "trumpf_truconvert_dc1000", "--port", port, "--unit", "11"]) == 0
        out = capsys.readouterr().out
        assert "2 (idle)" in out
        assert "not verified: compare with the display" in out
    assert device.main(["probe", "trumpf_truconvert_dc1000", "--port", port]) == 1
    assert "refused; switch Modbus TCP on in the device" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["probe", "nothing", "--port", "/dev/x"], "no such profile; known are"),
        (["probe", "sunspec_714_dc", "--port", "/dev/x"], "required by profile sunspec_714_dc"),
        (["probe", "sunspec_714_dc", "--port", "/dev/x", "--param", "base"], "not of the form NAME=VALUE"),
        (["probe", "eastron_sdm72", "--port", "meter.local:502"], "looking up a name would block"),
        (["scan", "--port", "/dev/nowhere"], "no such device; see that the adapter is plugged in"),
        (["scan", "--port", "/dev/nowhere", "--units", "0-3"], "addresses are from 1 to 247"),
    ],
)
def test_mistakes_say_what_to_do(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert device.main(arguments) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("profile", ["phoenix_ev_cc_ac1", "evse_din"])
def test_a_simulated_charge_controller_takes_its_orders_and_shows_its_car(profile: str, tmp_path: Path) -> None:
    link = tmp_path / "line"
    with simulated(profile, "--pty", str(link), "--unit", "5") as said:
        assert f"{profile} as unit 5" in said
        bus = open_bus(BusSpec("b", "serial", str(link), 115200, "8N1"))
        controller = build_device(DeviceSpec("box", "pilot_board", "ac_controller", "b", 5, profile, {}), bus)
        assert isinstance(controller, AcController)

        def until(condition: Callable[[], bool]) -> None:
            give_up_s = time.monotonic() + 20.0
            while not condition():
                now_s = time.monotonic()
                assert now_s < give_up_s, (controller.identity_error, list(controller.points()), bus.health())
                controller.poll(now_s)
                bus.pump(now_s)
                time.sleep(0.002)

        def value(point: str) -> object:
            return next(one.value for one in controller.points() if one.name == point)

        pilot = controller.ports.pilot
        assert pilot is not None
        try:
            until(lambda: pilot.state is not None and pilot.state.value.pilot is ControlPilot.C)
            pilot.show(PilotCommand.PWM, duty_percent(10.0))
            until(lambda: value("current_limit_A") == 10.0)
            pilot.show(PilotCommand.PWM, duty_percent(13.0))
            until(lambda: value("current_limit_A") == 13.0)
            assert controller.identity_error == ""
        finally:
            bus.close()
