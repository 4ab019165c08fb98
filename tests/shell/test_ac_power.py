"""The AC stand-in as a process: the link's messages on its socket, requests at its control socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, EvseImage, Stage, TokenPresented
from chargepoint.power.link_codec import MESSAGE_MAX_BYTES, ResetFaults, UpMessage, decode_up, encode_down

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
TRANSFER = StageDemand(EvseId(1), 1, 1.0, Phase.TRANSFER, PilotCommand.PWM, 5.0, lock=True, power_W=7_000.0)


class StandIn:
    """The running process, its control socket, and a daemon's end of the link."""

    def __init__(self, folder: Path) -> None:
        text = (REPOSITORY / "config" / "demo-ac.toml").read_text().replace("var/demo/", f"{folder}/")
        (folder / "site.toml").write_text(text)
        command = [sys.executable, "-m", "hil.simulators.ac_power"]
        command += ["--config", str(folder / "site.toml"), "--dir", str(folder)]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        assert ready["ready"], ready
        self._control = socket.socket(socket.AF_UNIX)
        self._control.connect(str(folder / "plant.sock"))
        self._lines = self._control.makefile("rb")
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.settimeout(PATIENCE_S)
        self.link.connect(str(folder / "run" / "power.sock"))

    def ask(self, **request: Any) -> dict[str, Any]:
        self._control.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer

    def until(self, seen: Callable[[UpMessage], bool], demand: StageDemand | None = TRANSFER) -> UpMessage:
        """The first message that suits, renewing the demand with each one."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            if demand is not None:
                self.link.send(encode_down(demand))
            message = decode_up(self.link.recv(MESSAGE_MAX_BYTES))
            if seen(message):
                return message
        raise AssertionError("no such message in time")

    def stop(self) -> int:
        self.link.close()
        self._lines.close()
        self._control.close()
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path)
    yield made
    assert made.stop() == 0
    assert not (tmp_path / "plant.sock").exists()
    assert not (tmp_path / "run" / "power.sock").exists()


def at_stage(stage: Stage) -> Callable[[UpMessage], bool]:
    return lambda message: isinstance(message, EvseImage) and message.stage is stage


def test_a_transfer_with_trip_and_reset(stand_in: StandIn) -> None:
    assert stand_in.ask(do="plug")["ok"]
    assert stand_in.ask(do="car", pilot="C", power_W=-3_000.0)["ok"]
    image = stand_in.until(at_stage(Stage.TRANSFER))
    assert isinstance(image, EvseImage)
    assert image.capabilities is not None
    assert image.capabilities.ac is not None
    assert image.capabilities.ac.phases == 3
    stand_in.until(lambda m: isinstance(m, EvseImage) and (m.power_W or 0.0) < -2_900.0)
    assert stand_in.ask(do="unplug")["error"]["what"] == "the connector is locked"
    stand_in.ask(do="grid", frequency_Hz=49.5)
    stand_in.until(lambda m: isinstance(m, EvseImage) and m.frequency_Hz == 49.5)
    stand_in.ask(do="fault", name="rcd")
    stand_in.until(lambda m: isinstance(m, InterlockTripped) and m.code is FaultCode.RCD)
    stand_in.ask(do="fault", name="rcd", on=False)
    image = stand_in.until(at_stage(Stage.FAULTED))
    assert isinstance(image, EvseImage)
    assert image.contactor is Contactor.OPEN
    stand_in.link.send(encode_down(ResetFaults(EvseId(1), "test")))
    stand_in.until(at_stage(Stage.TRANSFER))


def test_the_daemons_end_opens(stand_in: StandIn) -> None:
    stand_in.ask(do="plug")
    stand_in.ask(do="car", pilot="C")
    stand_in.until(at_stage(Stage.TRANSFER))
    stand_in.link.close()
    deadline_s = time.monotonic() + PATIENCE_S
    while stand_in.ask(do="state", evse=1)["contactor_closed"]:
        assert time.monotonic() < deadline_s


def test_cards_go_up_and_mistakes_are_answered(stand_in: StandIn) -> None:
    stand_in.ask(do="token", value="04a2b3c4")
    token = stand_in.until(lambda m: isinstance(m, TokenPresented))
    assert isinstance(token, TokenPresented)
    assert token.value == "04A2B3C4"
    for request in (
        {"do": "dance"},
        {"do": "state", "evse": 9},
        {"do": "car", "colour": "red"},
        {"do": "car", "phases": 2},
        {"do": "grid", "frequency_Hz": 1e9},
        {"do": "fault", "name": "magic"},
        {"do": "fault", "name": "contactor_slow", "value": -1},
    ):
        answer = stand_in.ask(**request)
        assert not answer["ok"]
        assert set(answer["error"]) == {"what", "where", "value", "bound", "remedy"}
    stand_in.link.send(b"nonsense")
    stand_in.link.send(encode_down(replace(TRANSFER, evse_id=EvseId(7))))
    stand_in.until(at_stage(Stage.OFF))


def test_a_configuration_without_an_ac_outlet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("")
    command = [sys.executable, "-m", "hil.simulators.ac_power"]
    command += ["--config", str(tmp_path / "site.toml"), "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert 'outlet = \\"ac\\"' in done.stdout
