"""The outside car of `test_outside_evcc.py` speaks ISO 15118-2 with external means on plain TCP, at a DC and at an AC outlet."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CONFIGS as ISO20_CONFIGS
from tests.interop.conftest import EVCC, LOOPS, Station, drive

pytestmark = pytest.mark.interop

CONFIGS = "iso15118/shared/examples/evcc/iso15118_2"


def finished(state: dict[str, Any], count: int) -> bool:
    transactions = state["central_system"]["transactions"]
    return len(transactions) >= count and all(found["ended"] for found in transactions)


@pytest.mark.parametrize(
    ("service", "options", "loop", "after_iso20"),
    [
        ("dc", (), "CurrentDemandRes", False),
        ("ac", ("--ac",), "ChargingStatusRes", False),
        ("dc", (), "CurrentDemandRes", True),
        ("ac", ("--ac",), "ChargingStatusRes", True),
    ],
    ids=["dc", "ac", "dc-after-a-car-of-20", "ac-after-a-car-of-20"],
)
def test_the_outside_car_finishes_its_session(
    tmp_path: Path, wire: tuple[str, str, str], service: str, options: tuple[str, ...], loop: str, after_iso20: bool
) -> None:
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    config, pki = tmp_path / "car.json", tmp_path / "station" / "pki"
    wanted = json.loads((packages / CONFIGS / f"evcc_config_eim_{service}.json").read_text())
    config.write_text(json.dumps({**wanted, "useTls": False, "chargeLoopCycle": LOOPS}))
    station, cars = Station(tmp_path / "station", near, *options), 2 if after_iso20 else 1
    try:
        station.wait_ready()
        if after_iso20:
            before = json.loads((packages / ISO20_CONFIGS / f"evcc_config_{service}.json").read_text())
            first = tmp_path / "before.json"
            first.write_text(json.dumps({**before, "useTls": False, "chargeLoopCycle": LOOPS}))
            assert drive(space, far, first, pki, False, tmp_path / "before.log") == 0
            until_s = time.monotonic() + 15
            while not finished(station.state(), 1) and time.monotonic() < until_s:
                time.sleep(0.3)
            station.steer('{"do": "unplug"}')
            station.steer('{"do": "car_auto", "follows": true}')
        code = drive(space, far, config, pki, False, tmp_path / "car.log")
        until_s = time.monotonic() + 15
        while not finished(state := station.state(), cars) and time.monotonic() < until_s:
            time.sleep(0.3)
    finally:
        station.close()
    car, daemon = (tmp_path / "car.log").read_text(), (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, car[-3000:]
    assert car.count(f"{loop} received") >= LOOPS - 1, car[-3000:]  # this car counts the stop as a loop
    assert "SessionStopRes received" in car
    assert "ISO 15118-2, no TLS" in daemon
    assert f"service {service.upper()}, scheduled" in daemon
    assert "session terminated: SessionStop by the car" in daemon
    assert finished(state, cars)
    found = state["central_system"]["transactions"]
    assert len(found) == cars
    assert all(transaction["gaps"] == [] for transaction in found)
    assert state["central_system"]["violations"] == []
    assert state["plant"]["evses"]["1"]["contactor_closed"] is False
