"""Flawed chains beside good keys: one thing is wrong about each, and OpenSSL finds it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from certs.pki import Curve, Pki
from hil.bench.keys_shown import FLAWED, FlawedKeys, csms_protection


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    Pki(Curve.P521).write(folder)
    return folder


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str | None) -> None:
    """Both ends in memory until both are satisfied. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("csms_expired", "expired"),
        ("csms_wrong_root", "unable to get local issuer"),
        ("csms_wrong_name", "not valid for 'localhost'"),
    ],
)
def test_a_station_finds_what_is_wrong_with_the_central_system(
    keys: Path, tmp_path: Path, name: str, reason: str
) -> None:
    server, passwords = csms_protection(keys, "CP1")
    client = ssl.create_default_context(cafile=keys / "csms_root.pem")
    _handshake(server, client, "localhost")
    server.load_cert_chain(*FlawedKeys(keys, tmp_path).chain_and_key(name))
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        _handshake(server, client, "localhost")
    assert 16 <= len(passwords["CP1"]) <= 40


@pytest.mark.parametrize("name", FLAWED)
def test_each_chain_is_made_once_and_its_key_is_ours_alone(keys: Path, tmp_path: Path, name: str) -> None:
    flawed = FlawedKeys(keys, tmp_path / "flawed")
    chain, key = flawed.chain_and_key(name)
    made = chain.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    assert flawed.chain_and_key(name)[0].read_bytes() == made
    leaf = x509.load_pem_x509_certificates(made)[0]
    root = "StrangerRootCA-DEV" if "wrong_root" in name else "DEV"
    assert root in leaf.issuer.rfc4514_string()


def test_keys_are_read_as_they_were_written(keys: Path) -> None:
    again = Pki.read(keys)
    assert again.chain_pem("secc") == (keys / "secc_chain.pem").read_bytes()
