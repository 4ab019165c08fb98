"""A00: what the station shows and accepts in the handshake, by security profile."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from certs.pki import Curve, Pki
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp import credentials
from chargepoint.security import chain as rules
from chargepoint.security.certificates import read_certificate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Pki(Curve.P256).write(tmp_path)
    (tmp_path / "password").write_text("0123456789abcdef")
    (tmp_path / "password").chmod(0o600)
    return tmp_path


def section(folder: Path, profile: int) -> CsmsSection:
    return CsmsSection(
        url="ws://h" if profile == 1 else "wss://h",
        security_profile=profile,
        password_file=folder / "password",
        ca_file=folder / "csms_root.pem",
        certificate_file=folder / "station_chain.pem",
        key_file=folder / "station.key",
    )


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_one_profile_at_a_time(folder: Path, profile: int) -> None:
    """A00.FR.001: with all credentials at hand, only those of the profile are used."""
    csms = section(folder, profile)
    assert ("Authorization" in credentials.headers(csms)) == (profile in (1, 2))
    assert (credentials.tls(csms) is None) == (profile == 1)


def test_no_outdated_cipher_suite_is_offered(folder: Path) -> None:
    """A00.FR.320, FR.423; TLS as the operating system has it, 1.2 or newer, the chain checked (A00.FR.317, FR.420, FR.308)."""
    context = credentials.tls(section(folder, 2))
    assert context is not None
    assert type(context) is ssl.SSLContext
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    names = [suite["name"] for suite in context.get_ciphers()]
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" in names
    outdated = ("RC4", "DES", "MD5", "NULL", "EXP", "ADH", "AECDH", "SEED", "IDEA")
    assert [name for name in names if any(part in name for part in outdated) or name.endswith("-SHA")] == []


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, hashed: hashes.SHA256 | hashes.SHA224) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    authority = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CP1")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sub")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
    )
    return builder.sign(authority, hashed).public_bytes(Encoding.DER)


def test_keys_and_signatures_below_112_bits_are_found() -> None:
    """A00.FR.501, FR.504."""
    weak, good = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())
    small = read_certificate(certificate(weak, hashes.SHA256()))
    right = read_certificate(certificate(good, hashes.SHA256()))
    short = read_certificate(certificate(good, hashes.SHA224()))
    found = rules.weak_key((right, small))
    assert found is not None
    assert "1024 bits, at least 2048" in found.text
    assert rules.weak_key((right, short)) is None
    found = rules.weak_signature((right, short))
    assert found is not None
    assert "sha224" in found.text
    assert rules.weak_signature((right, small)) is None
