"""A power process that was stopped and goes on: nothing that was decided before reaches the wire, the first order is off.

Real processes: the plant answers on ptys, the power process runs as systemd starts it, a relay between the two records what
the power process writes. The daemon is a socket that renews its demand fifty times a second.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.power.link_codec import encode_down
from drivers.modbus.frame import intact
from tests.joined.orders import dc_order

REPOSITORY = Path(__file__).parents[2]
GIVE_UP_S = 30.0
STOPPED_S = 1.5


class Relay(threading.Thread):
    """Copies bytes between the power process and the plant's port; `written` holds each frame of the former with its time."""

    def __init__(self, near: Path, far: Path) -> None:
        super().__init__(daemon=True)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        near.symlink_to(os.ttyname(self._slave))
        self._far = os.open(far, os.O_RDWR | os.O_NOCTTY)
        self.written: list[tuple[float, bytes]] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            for fd in select.select([self._master, self._far], [], [], 0.1)[0]:
                with suppress(OSError):
                    data = os.read(fd, 4096)
                    if fd == self._master:
                        self.written.append((time.monotonic(), data))
                    os.write(self._far if fd == self._master else self._master, data)
        for fd in (self._far, self._master, self._slave):
            os.close(fd)

    def requests_of_board(self, since_s: float) -> list[int]:
        """The request bits of each cyclic write to the board, in order."""
        frames = [data for at_s, data in self.written if at_s >= since_s]
        found = []
        for data in frames:
            if len(data) == 19 and data[:2] == b"\x01\x10" and intact(data):
                found.append(struct.unpack(">5H", data[7:17])[3])
            elif len(data) == 23 and data[:2] == b"\x01\x17" and intact(data):
                found.append(struct.unpack(">5H", data[11:21])[3])
        return found


class Demanding(threading.Thread):
    """The daemon's end of the link: keeps asking for a cable check, as if nothing had happened."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(str(path))
        self.phase = self.sent = Phase.OFF
        self.ended = threading.Event()

    def run(self) -> None:
        demand = StageDemand(
            EvseId(1),
            0,
            0.5,
            Phase.OFF,
            PilotCommand.PWM,
            5.0,
            True,
            order=dc_order(450.0, 400.0, 300.0),
        )
        seq = 0
        while not self.ended.wait(0.02):
            seq += 1
            phase = self.phase
            with suppress(OSError):
                self._socket.send(encode_down(replace(demand, seq=seq, phase=phase)), socket.MSG_DONTWAIT)
                self.sent = phase
                while select.select([self._socket], [], [], 0)[0]:
                    if not self._socket.recv(4096):
                        return
        self._socket.close()


class Rig:
    def __init__(self, folder: Path) -> None:
        text = (REPOSITORY / "config" / "demo.toml").read_text().replace("var/demo/", f"{folder}/")
        (folder / "plant.toml").write_text(text)
        (folder / "power.toml").write_text(text.replace(f"{folder}/tty/fast1", f"{folder}/relayed"))
        plant = ["hil.simulators.plant", "--config", str(folder / "plant.toml"), "--dir", str(folder)]
        self.plant = subprocess.Popen([sys.executable, "-m", *plant], cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert self.plant.stdout is not None
        ready = json.loads(self.plant.stdout.readline())
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(ready["control"])
        self.lines = self.control.makefile("rw")
        self.relay = Relay(folder / "relayed", folder / "tty" / "fast1")
        self.relay.start()
        power = ["chargepoint", "power", "--config", str(folder / "power.toml")]
        self.power = subprocess.Popen([sys.executable, "-m", *power], cwd=REPOSITORY, stderr=subprocess.DEVNULL)
        link = folder / "run" / "power.sock"
        self.until(lambda: link.exists())
        self.daemon = Demanding(link)
        self.daemon.start()

    def do(self, verb: str, **values: Any) -> dict[str, Any]:
        self.lines.write(json.dumps({"do": verb, **values}) + "\n")
        self.lines.flush()
        answer: dict[str, Any] = json.loads(self.lines.readline())
        return answer

    def until(self, true: Callable[[], object]) -> None:
        end_s = time.monotonic() + GIVE_UP_S
        while not true():
            assert time.monotonic() < end_s, "waited in vain"
            time.sleep(0.01)

    def state(self) -> dict[str, Any]:
        return self.do("state", evse=1)

    def close(self) -> None:
        self.daemon.ended.set()
        for process in (self.power, self.plant):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in (self.power, self.plant):
            process.wait(20)
        self.relay.ended.set()
        self.relay.join(5)
        self.control.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def test_the_first_order_after_a_stop_is_off(rig: Rig) -> None:
    rig.do("plug")
    for _ in range(3):
        stop_once(rig)


def stop_once(rig: Rig) -> None:
    rig.until(lambda: rig.state()["pilot"] in ("B", "C"))
    rig.do("car", pilot="C")
    rig.daemon.phase = Phase.CABLE_CHECK
    rig.until(lambda: rig.state()["contactor_closed"])
    assert rig.relay.requests_of_board(time.monotonic() - 0.3)[-1] & 1
    rig.power.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    assert not rig.state()["contactor_closed"]  # the board's own watchdog
    went_on_s = time.monotonic()
    rig.power.send_signal(signal.SIGCONT)
    rig.until(lambda: len(rig.relay.requests_of_board(went_on_s)) >= 5)
    assert not any(request & 1 for request in rig.relay.requests_of_board(went_on_s)[:5])
    rig.daemon.phase = Phase.OFF
    rig.until(lambda: rig.daemon.sent is Phase.OFF)  # without it no new sequence may begin
    rig.until(lambda: rig.state()["board_latched"] == 0)
