"""A running demo per test, in a folder and on ports of its own, driven through the steering socket."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 120.0
"""A wait ends when its event comes; only a failure, or a machine ten times too busy, waits this long."""

SELF_TEST_S = 0.6
"""Long enough to be seen by the station, short enough not to be waited for."""

ROOT = Path(__file__).resolve().parents[2]


def free_udp_port() -> int:
    """A UDP port of IPv6 nobody uses now: each demo answers discovery on its own."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def sdp_port() -> int:
    """For demos started by the test itself."""
    return free_udp_port()


def ask(path: Path, request: dict[str, Any], patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """One JSON line to a Unix socket, one back."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(patience_s)
        wire.connect(str(path))
        wire.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(wire.makefile("rb").readline())
    return answer


class Demo:
    """A live demo under test."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "hil.demo", "--dir", str(folder), "--sdp-port", str(free_udp_port())]
        command += ["--self-test-s", str(SELF_TEST_S), *options]
        # a session of its own: what the tests compute beside it does not count against it
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def steer(self, **request: Any) -> dict[str, Any]:
        return ask(self.folder / "steer.sock", request)

    def state(self) -> dict[str, Any]:
        return self.steer(do="state")

    def plant(self) -> dict[str, Any]:
        return ask(self.folder / "plant.sock", {"do": "state", "evse": 1})

    def until(
        self, what: str, condition: Callable[[], object], patience_s: float = PATIENCE_S, pause_s: float = 0.05
    ) -> Any:
        until_s = time.monotonic() + patience_s
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the demo ended: {self.process.stdout.read() if self.process.stdout else ''}")
            try:
                if found := condition():
                    return found
            except (OSError, KeyError, TypeError, ValueError):
                pass  # not there yet, or a process is starting again
            if time.monotonic() > until_s:
                raise AssertionError(f"waited {patience_s:.0f} s for {what}; {self.logs()}")
            time.sleep(pause_s)

    def until_power(self, power_W: float) -> None:
        self.until(f"{power_W} W", lambda: abs(self.plant()["power_W"] - power_W) <= 0.03 * abs(power_W))

    def logs(self) -> str:
        return "\n".join(f"--- {p.name}\n{p.read_text()[-3000:]}" for p in sorted((self.folder / "log").glob("*.log")))

    def close(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def new_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts a live demo with these options; ended after the test."""
    running: list[Demo] = []

    def start(*options: str) -> Demo:
        running.append(Demo(tmp_path / f"demo{len(running)}", *options))
        return running[-1]

    yield start
    for demo in running:
        demo.close()


@pytest.fixture
def demo(new_demo: Callable[..., Demo]) -> Demo:
    """A live demo whose story has the car discharging or on its way there."""
    return new_demo()


@pytest.fixture
def discharging(demo: Demo) -> Demo:
    """The car gives 8 kW because the central system said so."""
    demo.until("the first loop", lambda: demo.state()["car"]["loops"] > 0)
    assert demo.until("set-point", lambda: demo.steer(do="setpoint", power_W=-8000)["ok"])
    demo.until_power(-8000.0)
    return demo
