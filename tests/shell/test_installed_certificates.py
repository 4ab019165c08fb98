"""Keys and roots that came over OCPP serve cars beside those of the configuration, without a restart."""

from __future__ import annotations

import logging
import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.pki import Curve, Pki
from chargepoint.security.certificates import CertificateFacts, read_certificate
from chargepoint.security.contract_roots import contract_roots
from chargepoint.security.tls import evcc_context
from chargepoint.security.tls_credentials import TlsCredentials

LOG = logging.getLogger("test.installed")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P521, NOW)


@pytest.fixture
def configured(tmp_path: Path, pki: Pki) -> Path:
    folder = tmp_path / "configured"
    pki.write(folder)
    return folder


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def shown(credentials: TlsCredentials, car: ssl.SSLContext) -> CertificateFacts:
    """The station's leaf in a handshake with this car, in memory."""
    to_car, to_station = ssl.MemoryBIO(), ssl.MemoryBIO()
    station = credentials.context().wrap_bio(to_station, to_car, server_side=True)
    vehicle = car.wrap_bio(to_car, to_station)
    for _ in range(4):
        for side in (vehicle, station):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    der = vehicle.getpeercert(binary_form=True)
    assert der is not None
    return read_certificate(der)


def install_leaf(folder: Path, pki: Pki, name: str) -> CertificateFacts:
    """As CertificateSigned leaves it."""
    folder.mkdir(exist_ok=True)
    pki.write(folder / name)
    shutil.move(folder / name / "secc.key", folder / f"secc_{name}.key")
    shutil.move(folder / name / "secc_chain.pem", folder / f"secc_chain_{name}.pem")
    shutil.rmtree(folder / name)
    return read_certificate(pki.chain_der("secc")[0])


def later_leaf(pki: Pki, starts: timedelta) -> Pki:
    """Another leaf of the same root, valid from another time on."""
    other = Pki(Curve.P521, NOW + starts)
    for name in ("v2g_root", "cpo_sub1", "cpo_sub2"):
        other.keys[name], other.certificates[name] = pki.keys[name], pki.certificates[name]
    node = next(node for node in other.tree if node.name == "secc")
    other.certificates["secc"] = other._certificate(node, NOW + starts)
    return other


def test_the_newest_valid_leaf_is_shown_from_the_next_connection_on(
    configured: Path, installed: Path, pki: Pki
) -> None:
    """A03.FR.15."""
    credentials = TlsCredentials(configured, LOG, installed=installed)
    car = evcc_context(configured)
    assert shown(credentials, car) == read_certificate(pki.chain_der("secc")[0])
    newest = install_leaf(installed, later_leaf(pki, timedelta(minutes=-1)), "b")
    install_leaf(installed, later_leaf(pki, timedelta(minutes=-5)), "c")
    install_leaf(installed, later_leaf(pki, timedelta(days=3)), "d")  # not yet valid
    assert shown(credentials, car) == newest
    (installed / "secc_b.key").unlink()
    (installed / "secc_chain_c.pem").write_text("junk")
    assert shown(credentials, car) == read_certificate(pki.chain_der("secc")[0])


def test_a_station_without_a_configured_leaf_shows_the_installed_one(
    configured: Path, installed: Path, pki: Pki
) -> None:
    leaf = install_leaf(installed, later_leaf(pki, timedelta(minutes=-1)), "b")
    (configured / "secc_chain.pem").unlink()
    assert shown(TlsCredentials(configured, LOG, installed=installed), evcc_context(configured)) == leaf


def test_an_installed_root_lets_its_cars_in_and_vouches_for_contracts(
    configured: Path, installed: Path, pki: Pki, tmp_path: Path
) -> None:
    credentials = TlsCredentials(configured, LOG, installed=installed)
    roots = contract_roots(configured, LOG, installed)
    before = len(roots.current())
    other = Pki(Curve.P521, NOW)
    other.write(tmp_path / "other")
    shutil.copytree(tmp_path / "other" / "v2g_roots", installed / "v2g_roots")
    shutil.copytree(tmp_path / "other" / "oem_roots", installed / "oem_roots")
    shutil.copy(configured / "v2g_roots" / "v2g_root.pem", tmp_path / "other" / "v2g_roots" / "station.pem")
    assert shown(credentials, evcc_context(tmp_path / "other")) == read_certificate(pki.chain_der("secc")[0])
    assert len(roots.current()) == before + 1
