"""An outside car: the EVCC of PyPI `iso15118` 0.31.2 (EcoG), with its own EXI codec in Java, against our station.

The station is `./run demo --no-car` as a person would start it: daemon, power process and plant are all real. The car lives
in a network namespace of its own, joined by a veth pair, and finds the station by multicast.
"""

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

pytestmark = pytest.mark.interop

ROOT = Path(__file__).resolve().parents[2]
EVCC = ROOT / ".venv-evcc"
CONFIGS = "iso15118/shared/examples/evcc/iso15118_20"
LOOPS = 10


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture
def wire() -> Iterator[tuple[str, str, str]]:
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
        command = [sys.executable, "-m", "hil.demo.steer", "--dir", str(self.folder), '{"do": "state"}']
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


# This car takes the first control mode it is offered. It asks for a pre-charge at 20 kV, which the EVSE cuts to its rating.
# Then it names 200 V as its target (Scheduled) or 400 V as its maximum (Dynamic): the plant's battery follows that.
DYNAMIC = ("--control-mode", "dynamic")


@pytest.mark.parametrize(
    ("service", "tls", "own_pki", "asked", "more"),
    [
        ("dc_bpt", False, False, (), {}),
        ("dc_bpt", True, False, (), {}),
        ("dc_bpt", True, True, (), {}),
        ("dc_bpt", True, False, DYNAMIC, {"chargeLoopCycle": 30}),
        ("dc", False, False, (), {"chargeLoopCycle": 40}),
        # its order of protocols is random: -2 may come before -20
        ("dc_bpt", False, False, (), {"supportedProtocols": ["ISO_15118_2", "DIN_SPEC_70121", "ISO_15118_20_DC"]}),
        ("dc_bpt", False, False, (), {"supportedEnergyServices": ["AC", "AC_BPT", "DC", "DC_BPT"]}),
    ],
    ids=[
        "bpt",
        "bpt-tls13",
        "bpt-tls13-its-own-pki",
        "bpt-tls13-dynamic",
        "dc-40-loops",
        "bpt-among-older-protocols",
        "bpt-among-all-services",
    ],
)
def test_the_outside_car_finishes_its_session(
    tmp_path: Path,
    wire: tuple[str, str, str],
    service: str,
    tls: bool,
    own_pki: bool,
    asked: tuple[str, ...],
    more: dict[str, Any],
) -> None:
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    pki, options = tmp_path / "station" / "pki", [*asked, *(["--tls"] if tls else [])]
    if own_pki:
        pki = make_outside_pki(packages, tmp_path / "car_pki")
        options += ["--pki", str(pki)]
    config = tmp_path / "car.json"
    wanted = json.loads((packages / CONFIGS / f"evcc_config_{service}.json").read_text())
    config.write_text(json.dumps({**wanted, "useTls": tls, **more}))
    station = Station(tmp_path / "station", near, *options)
    try:
        station.wait_ready()
        code = drive(space, far, config, pki, tls, tmp_path / "car.log")
        told = (tmp_path / "car.log").read_text()
        until_s = time.monotonic() + 15
        while True:
            state = station.state()
            transactions = state["central_system"]["transactions"]
            if (transactions and transactions[-1]["ended"]) or time.monotonic() > until_s:
                break
            time.sleep(0.3)
    finally:
        station.close()
    daemon = (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, told[-3000:]
    # its exit code is 0 after some failures too: what it said and did counts
    assert told.count("DC_ChargeLoopRes received") >= more.get("chargeLoopCycle", LOOPS), told[-3000:]
    assert "SessionStopRes received" in told
    assert "session terminated: SessionStop by the car" in daemon
    assert ("TLSv1.3" in daemon) is tls
    assert f"service {'DC_BPT' if service == 'dc_bpt' else 'DC'}, {'dynamic' if asked else 'scheduled'}" in daemon
    (transaction,) = transactions
    assert transaction["ended"]
    assert transaction["gaps"] == []
    assert state["central_system"]["violations"] == []
    assert state["plant"]["evses"]["1"]["contactor_closed"] is False


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            {"supportedProtocols": ["ISO_15118_20_AC"], "supportedEnergyServices": ["AC"]},
            "no common protocol; the car offers urn:iso:std:iso:15118:-20:AC",
        ),
        (
            {"supportedProtocols": ["ISO_15118_2"], "energyTransferMode": "DC_extended"},
            "no common protocol; the car offers urn:iso:15118:2:2013:MsgDef",
        ),
        (
            {"supportedProtocols": ["DIN_SPEC_70121"], "energyTransferMode": "DC_extended"},
            "no common protocol; the car offers urn:din:70121:2012:MsgDef",
        ),
    ],
    ids=["ac", "iso2", "din"],
)
def test_an_outside_car_of_another_protocol_is_refused_by_name(
    tmp_path: Path, wire: tuple[str, str, str], wanted: dict[str, Any], said: str
) -> None:
    near, space, far = wire
    config = tmp_path / "car.json"
    config.write_text(json.dumps({**wanted, "isCertInstallNeeded": False, "useTls": False}))
    station = Station(tmp_path / "station", near)
    try:
        station.wait_ready()
        with contextlib.suppress(subprocess.TimeoutExpired):  # after its last try it hangs instead of ending
            drive(space, far, config, tmp_path / "station" / "pki", False, tmp_path / "car.log", patience_s=25)
        log = tmp_path / "station" / "log" / "daemon.log"
        until_s = time.monotonic() + 15
        while said not in log.read_text() and time.monotonic() < until_s:
            time.sleep(0.2)
        state = station.state()
    finally:
        station.close()
    assert said in log.read_text()
    assert state["plant"]["evses"]["1"]["contactor_closed"] is False
    assert state["central_system"]["violations"] == []
    assert "NoNegotiation" in (tmp_path / "car.log").read_text()
