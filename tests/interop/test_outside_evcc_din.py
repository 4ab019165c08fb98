"""The outside car (see `test_outside_evcc.py`) speaks DIN 70121, also at a station that served a car of -20 before."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CONFIGS, EVCC, Station, drive

pytestmark = pytest.mark.interop

DIN_CONFIGS = "iso15118/shared/examples/evcc/DIN"
DIN_LOOPS = 8
"""In DIN this car ends after so many charge loops, whatever its configuration says."""


def transactions(station: Station, count: int) -> list[dict[str, Any]]:
    """All transactions of the station, once the last one of `count` has ended."""
    until_s = time.monotonic() + 15
    while True:
        found: list[dict[str, Any]] = station.state()["central_system"]["transactions"]
        if (len(found) >= count and found[-1]["ended"]) or time.monotonic() > until_s:
            return found
        time.sleep(0.3)


@pytest.mark.parametrize("after_iso20", [False, True], ids=["first", "after-a-car-of-20"])
def test_the_outside_car_charges_by_din(tmp_path: Path, wire: tuple[str, str, str], after_iso20: bool) -> None:
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    station, pki = Station(tmp_path / "station", near), tmp_path / "station" / "pki"
    log, cars = tmp_path / "car.log", 2 if after_iso20 else 1
    try:
        station.wait_ready()
        if after_iso20:
            before = json.loads((packages / CONFIGS / "evcc_config_dc.json").read_text())
            config = tmp_path / "before.json"
            config.write_text(json.dumps({**before, "useTls": False}))
            assert drive(space, far, config, pki, False, tmp_path / "before.log") == 0
            transactions(station, 1)
            station.steer('{"do": "unplug"}')
            station.steer('{"do": "car_auto", "follows": true}')
        code = drive(space, far, packages / DIN_CONFIGS / "evcc_config.json", pki, False, log)
        found = transactions(station, cars)
        state = station.state()
    finally:
        station.close()
    said = log.read_text()
    daemon = (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, said[-3000:]
    assert said.count("CurrentDemandRes received") >= DIN_LOOPS, said[-3000:]
    assert "SessionStopRes received" in said
    assert "DIN 70121, no TLS" in daemon
    assert "service DC, scheduled" in daemon
    assert "session terminated: SessionStop by the car" in daemon
    assert len(found) == cars
    assert all(transaction["ended"] and transaction["gaps"] == [] for transaction in found)
    assert state["central_system"]["violations"] == []
    assert state["plant"]["evses"]["1"]["contactor_closed"] is False
