"""An outside car: the EVCC of PyPI `iso15118` 0.31.2 (EcoG), with its own EXI codec in Java, against our station.

The station is `./run demo --no-car` as a person would start it: daemon, power process and plant are all real. The car lives
in a network namespace of its own, joined by a veth pair, and finds the station by multicast.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CONFIGS, DYNAMIC, EVCC, LOOPS, Station, drive, make_outside_pki

pytestmark = pytest.mark.interop


@pytest.mark.parametrize(
    ("service", "tls", "own_pki", "asked", "more"),
    [
        ("dc_bpt", False, False, (), {}),
        ("dc_bpt", True, False, (), {}),
        ("dc_bpt", True, True, (), {}),
        ("dc_bpt", True, False, DYNAMIC, {"chargeLoopCycle": 30}),
        ("dc", False, False, (), {"chargeLoopCycle": 40}),
        ("dc_bpt", False, False, (), {"supportedEnergyServices": ["AC", "AC_BPT", "DC", "DC_BPT"]}),
    ],
    ids=[
        "bpt",
        "bpt-tls13",
        "bpt-tls13-its-own-pki",
        "bpt-tls13-dynamic",
        "dc-40-loops",
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


def test_an_outside_car_that_speaks_all_protocols_finishes_in_the_one_it_ranks_first(
    tmp_path: Path, wire: tuple[str, str, str]
) -> None:
    """Its order of protocols is random."""
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    wanted = json.loads((packages / CONFIGS / "evcc_config_dc_bpt.json").read_text())
    protocols = ["ISO_15118_2", "DIN_SPEC_70121", "ISO_15118_20_DC"]
    more = {"supportedProtocols": protocols, "energyTransferMode": "DC_extended", "useTls": False}
    config = tmp_path / "car.json"
    config.write_text(json.dumps({**wanted, **more}))
    station = Station(tmp_path / "station", near)
    try:
        station.wait_ready()
        code = drive(space, far, config, tmp_path / "station" / "pki", False, tmp_path / "car.log")
        until_s = time.monotonic() + 15
        while True:
            transactions = station.state()["central_system"]["transactions"]
            if (transactions and transactions[-1]["ended"]) or time.monotonic() > until_s:
                break
            time.sleep(0.3)
    finally:
        station.close()
    told = (tmp_path / "car.log").read_text()
    assert code == 0, told[-3000:]
    assert "SessionStopRes received" in told
    (transaction,) = transactions
    assert transaction["ended"]
    assert transaction["gaps"] == []


def test_an_outside_car_of_another_protocol_is_refused_by_name(tmp_path: Path, wire: tuple[str, str, str]) -> None:
    """A car of alternating current at an outlet of direct current."""
    wanted = {"supportedProtocols": ["ISO_15118_20_AC"], "supportedEnergyServices": ["AC"]}
    said = "no common protocol; the car offers 'urn:iso:std:iso:15118:-20:AC"
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
