"""The outside car of `test_outside_evcc.py` at an AC outlet: `./run demo --ac --no-car`, both processes real, the wires simulated.

This car sends an AC_ChargeLoopReq each 532 to 544 ms (docs/sources/iso15118-20.md 7): the demo's charge_loop_timeout_s is 2 s.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CONFIGS, DYNAMIC, EVCC, LOOPS, Station, drive, make_outside_pki

pytestmark = pytest.mark.interop


@pytest.mark.parametrize(
    ("service", "tls", "own_pki", "asked"),
    [
        ("ac", False, False, ()),
        ("ac", True, False, ()),
        ("ac", True, True, DYNAMIC),
        ("ac_bpt", False, False, ()),
        ("ac_bpt", True, False, ()),
        ("ac_bpt", False, False, DYNAMIC),
        ("ac_bpt", True, False, DYNAMIC),
    ],
    ids=[
        "ac",
        "ac-tls13",
        "ac-tls13-dynamic-its-own-pki",
        "bpt",
        "bpt-tls13",
        "bpt-dynamic",
        "bpt-tls13-dynamic",
    ],
)
def test_the_outside_car_finishes_its_ac_session(
    tmp_path: Path,
    wire: tuple[str, str, str],
    service: str,
    tls: bool,
    own_pki: bool,
    asked: tuple[str, ...],
) -> None:
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    pki, options = tmp_path / "station" / "pki", ["--ac", *asked, *(["--tls"] if tls else [])]
    if own_pki:
        pki = make_outside_pki(packages, tmp_path / "car_pki")
        options += ["--pki", str(pki)]
    config = tmp_path / "car.json"
    wanted = json.loads((packages / CONFIGS / f"evcc_config_{service}.json").read_text())
    config.write_text(json.dumps({**wanted, "useTls": tls, "chargeLoopCycle": LOOPS}))
    station = Station(tmp_path / "station", near, *options)
    try:
        station.wait_ready()
        code = drive(space, far, config, pki, tls, tmp_path / "car.log")
        until_s = time.monotonic() + 15
        while True:
            state: dict[str, Any] = station.state()
            transactions = state["central_system"]["transactions"]
            if (transactions and transactions[-1]["ended"]) or time.monotonic() > until_s:
                break
            time.sleep(0.3)
    finally:
        station.close()
    car, daemon = (tmp_path / "car.log").read_text(), (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, car[-3000:]
    assert car.count("AC_ChargeLoopRes received") >= LOOPS, car[-3000:]
    assert "SessionStopRes received" in car
    assert "session terminated: SessionStop by the car" in daemon
    assert ("TLSv1.3" in daemon) is tls
    assert f"service {service.upper()}, {'dynamic' if asked else 'scheduled'}" in daemon
    (transaction,) = transactions
    assert transaction["ended"]
    assert transaction["gaps"] == []
    assert state["central_system"]["violations"] == []
    outlet = state["plant"]["evses"]["1"]
    assert outlet["contactor_closed"] is False
    assert outlet["meter_import_Wh"] > 0
