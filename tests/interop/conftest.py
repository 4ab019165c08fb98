"""The outside car's side: its network namespace, the station that waits for it, its own PKI."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVCC = ROOT / ".venv-evcc"
LOOPS = 10
"""The car ends after this many charge loops, unless its configuration says otherwise."""

# This car takes the first control mode it is offered. It asks for a pre-charge at 20 kV, which the EVSE cuts to its rating.
# Then it names 200 V as its target (Scheduled) or 400 V as its maximum (Dynamic): the plant's battery follows that.
DYNAMIC = ("--control-mode", "dynamic")

CONFIGS = "iso15118/shared/examples/evcc/iso15118_20"


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextlib.contextmanager
def veth_pair() -> Iterator[tuple[str, str, str]]:
    """A veth pair with one end in a namespace: (station's interface, namespace, car's interface)."""
    mark = os.getpid() % 10000
    near, far, space = f"vs{mark}", f"vc{mark}", f"car{mark}"
    run("ip", "netns", "add", space)
    try:
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        run("ip", "link", "set", far, "netns", space)
        for prefix, interface in (((), near), (("ip", "netns", "exec", space), far)):
            # no waiting for duplicate address detection on a wire of two
            path = f"/proc/sys/net/ipv6/conf/{interface}/accept_dad"
            run(*prefix, "sh", "-c", f"echo 0 > {path}")
            run(*prefix, "ip", "link", "set", interface, "up")
        run("ip", "netns", "exec", space, "ip", "link", "set", "lo", "up")
        time.sleep(0.5)  # the kernel gives the link-local addresses
        yield near, space, far
    finally:
        subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", near], check=False, capture_output=True)


@pytest.fixture
def wire() -> Iterator[tuple[str, str, str]]:
    """See `veth_pair`."""
    with veth_pair() as ends:
        yield ends


class Station:
    """A demo waiting for an outside car."""

    def __init__(self, folder: Path, interface: str, *options: str) -> None:
        self.folder = folder
        command = [
            sys.executable,
            "-m",
            "hil.demo",
            "--no-car",
            "--interface",
            interface,
            "--dir",
            str(folder),
            *options,
        ]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait_ready(self) -> None:
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            if self._process.poll() is not None:
                raise AssertionError(self._process.stdout.read() if self._process.stdout else "")
            log = self.folder / "log" / "daemon.log"
            if log.exists() and "waiting for cars on" in log.read_text():
                return
            time.sleep(0.1)
        raise AssertionError("the station did not come up")

    def state(self) -> dict[str, Any]:
        return self.steer('{"do": "state"}')

    def steer(self, request: str) -> dict[str, Any]:
        """One line of docs/steering.md, and its answer."""
        command = [sys.executable, "-m", "hil.steering.steer", "--dir", str(self.folder), request]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


def drive(space: str, interface: str, config: Path, pki: Path, tls: bool, log: Path, patience_s: float = 90) -> int:
    """Run the outside car to its end; its exit code."""
    environment = {
        **os.environ,
        "NETWORK_INTERFACE": interface,
        "PKI_PATH": f"{pki}/",
        "LOG_LEVEL": "INFO",
        **({"ENABLE_TLS_1_3": "True"} if tls else {}),
    }
    car = [str(EVCC / "bin/python"), "-m", "iso15118.evcc.main", str(config)]
    with log.open("w") as out:
        done = subprocess.run(
            ["ip", "netns", "exec", space, *car],
            env=environment,
            stdout=out,
            stderr=out,
            timeout=patience_s,
            cwd=log.parent,
        )
    return done.returncode


def make_outside_pki(packages: Path, folder: Path) -> Path:
    """The car's own PKI, made by its own script."""
    shutil.copytree(packages / "iso15118/shared/pki", folder)
    subprocess.run(["bash", "create_certs.sh", "-v", "iso-2"], cwd=folder, check=True, capture_output=True)
    return folder
