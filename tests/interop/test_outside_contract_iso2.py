"""Plug and Charge of ISO 15118-2 with an outside car: the EVCC of PyPI `iso15118` 0.31.2 (EcoG), over TLS 1.2, with its own PKI."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CONFIGS as ISO20_CONFIGS
from tests.interop.conftest import EVCC, LOOPS, Station, drive, make_outside_pki

pytestmark = pytest.mark.interop

CONFIGS = "iso15118/shared/examples/evcc/iso15118_2"


def finished(state: dict[str, Any], count: int) -> bool:
    transactions = state["central_system"]["transactions"]
    return len(transactions) >= count and all(found["ended"] for found in transactions)


def await_end(station: Station, count: int) -> dict[str, Any]:
    """The demo's state, once so many transactions have come and ended, or after 15 s."""
    until_s = time.monotonic() + 15
    while not finished(state := station.state(), count) and time.monotonic() < until_s:
        time.sleep(0.3)
    return state


@pytest.mark.parametrize("after_iso20", [False, True], ids=["first", "after-a-car-of-20"])
@pytest.mark.parametrize(
    ("service", "options", "loop"),
    [("dc", (), "CurrentDemandRes"), ("ac", ("--ac",), "ChargingStatusRes")],
    ids=["dc", "ac"],
)
def test_the_outside_car_pays_with_its_contract(
    tmp_path: Path, wire: tuple[str, str, str], service: str, options: tuple[str, ...], loop: str, after_iso20: bool
) -> None:
    """`after_iso20`: on the same running station the car had a session of ISO 15118-20 over TLS 1.3 before, with the same contract."""
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    pki = make_outside_pki(packages, tmp_path / "car_pki")
    config = tmp_path / "car.json"
    wanted = json.loads((packages / CONFIGS / f"evcc_config_pnc_{service}.json").read_text())
    config.write_text(json.dumps({**wanted, "useTls": True, "chargeLoopCycle": LOOPS}))
    station = Station(tmp_path / "station", near, "--pnc", "--tls", "--pki", str(pki), *options)
    try:
        station.wait_ready()
        if after_iso20:
            before = json.loads((packages / ISO20_CONFIGS / f"evcc_config_{service}.json").read_text())
            first = tmp_path / "before.json"
            first.write_text(json.dumps({**before, "useTls": True, "chargeLoopCycle": LOOPS}))
            with contextlib.suppress(subprocess.TimeoutExpired):  # after an exception this car hangs instead of ending
                drive(space, far, first, pki, True, tmp_path / "before.log", patience_s=60)
            await_end(station, 1)
            station.steer('{"do": "unplug"}')
            station.steer('{"do": "car_auto", "follows": true}')
        code = drive(space, far, config, pki, False, tmp_path / "car.log")
        state = await_end(station, 2 if after_iso20 else 1)
    finally:
        station.close()
    car, daemon = (tmp_path / "car.log").read_text(), (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, car[-3000:] + daemon[-3000:]
    assert "ISO 15118-2, TLSv1.2" in daemon, daemon[-3000:]
    assert (f"ISO 15118-20 {service.upper()}, TLSv1.3" in daemon) is after_iso20
    assert "PaymentDetailsRes received" in car, car[-3000:]
    assert car.count(f"{loop} received") >= LOOPS - 1, car[-3000:]
    found = state["central_system"]["transactions"]
    assert daemon.count("session terminated: SessionStop by the car") == len(found) == (2 if after_iso20 else 1)
    for transaction in found:
        token = transaction["events"][0]["idToken"]
        assert token["type"] == "eMAID" and token["idToken"].startswith("UKSWI"), token
        assert transaction["ended"] and transaction["gaps"] == []
    assert state["central_system"]["violations"] == []


def test_the_outside_car_gets_a_contract_certificate_and_pays_with_its_own(
    tmp_path: Path, wire: tuple[str, str, str]
) -> None:
    """This car stores no certificate: after CertificateInstallationRes it pays with the contract that it had."""
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    pki = make_outside_pki(packages, tmp_path / "car_pki")
    config = tmp_path / "car.json"
    wanted = json.loads((packages / CONFIGS / "evcc_config_pnc_dc.json").read_text())
    config.write_text(json.dumps({**wanted, "useTls": True, "isCertInstallNeeded": True, "chargeLoopCycle": LOOPS}))
    station = Station(tmp_path / "station", near, "--pnc", "--tls", "--pki", str(pki))
    try:
        station.wait_ready()
        code = drive(space, far, config, pki, False, tmp_path / "car.log")
        state = await_end(station, 1)
    finally:
        station.close()
    car, daemon = (tmp_path / "car.log").read_text(), (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, car[-3000:] + daemon[-3000:]
    assert "> Get15118EVCertificate" in daemon, daemon[-3000:]
    assert "contract certificate: OK of the central system relayed to the car" in daemon, daemon[-3000:]
    assert "CertificateInstallationRes received" in car, car[-3000:]
    assert "PaymentDetailsRes received" in car, car[-3000:]
    assert "session terminated: SessionStop by the car" in daemon
    assert state["central_system"]["violations"] == []
