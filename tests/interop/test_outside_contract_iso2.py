"""Plug and Charge of ISO 15118-2 with an outside car: the EVCC of PyPI `iso15118` 0.31.2 (EcoG), over TLS 1.2, with its own PKI."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import EVCC, LOOPS, Station, drive, make_outside_pki

pytestmark = pytest.mark.interop

CONFIGS = "iso15118/shared/examples/evcc/iso15118_2"


def ended(state: dict[str, Any]) -> bool:
    transactions = state["central_system"]["transactions"]
    return bool(transactions) and transactions[-1]["ended"]


@pytest.mark.parametrize(
    ("service", "options", "loop"),
    [("dc", (), "CurrentDemandRes"), ("ac", ("--ac",), "ChargingStatusRes")],
    ids=["dc", "ac"],
)
def test_the_outside_car_pays_with_its_contract(
    tmp_path: Path, wire: tuple[str, str, str], service: str, options: tuple[str, ...], loop: str
) -> None:
    near, space, far = wire
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    pki = make_outside_pki(packages, tmp_path / "car_pki")
    config = tmp_path / "car.json"
    wanted = json.loads((packages / CONFIGS / f"evcc_config_pnc_{service}.json").read_text())
    config.write_text(json.dumps({**wanted, "useTls": True, "chargeLoopCycle": LOOPS}))
    station = Station(tmp_path / "station", near, "--pnc", "--tls", "--pki", str(pki), *options)
    try:
        station.wait_ready()
        code = drive(space, far, config, pki, False, tmp_path / "car.log")
        until_s = time.monotonic() + 15
        while not ended(state := station.state()) and time.monotonic() < until_s:
            time.sleep(0.3)
    finally:
        station.close()
    car, daemon = (tmp_path / "car.log").read_text(), (tmp_path / "station" / "log" / "daemon.log").read_text()
    assert code == 0, car[-3000:] + daemon[-3000:]
    assert "ISO 15118-2, TLSv1.2" in daemon, daemon[-3000:]
    assert "PaymentDetailsRes received" in car, car[-3000:]
    assert car.count(f"{loop} received") >= LOOPS - 1, car[-3000:]
    assert "session terminated: SessionStop by the car" in daemon
    (transaction,) = state["central_system"]["transactions"]
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
        until_s = time.monotonic() + 15
        while not ended(state := station.state()) and time.monotonic() < until_s:
            time.sleep(0.3)
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
