"""Facts of certificates: read at once, never raising anything but one error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from certs.pki import STATUS_ADDRESS, Curve, Pki
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, KeyKind, read_certificate

MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)
PKI = Pki(Curve.P521, MADE, annex_b=True)


def facts(name: str, pki: Pki = PKI) -> CertificateFacts:
    return read_certificate(pki.certificates[name].public_bytes(Encoding.DER))


def test_the_facts_of_a_leaf_and_of_a_sub_ca() -> None:
    leaf, sub = facts("vehicle"), facts("oem_sub1")
    assert (leaf.key_kind, leaf.key_name) == (KeyKind.P521, "secp521r1")
    assert (leaf.common_name, leaf.organization) == ("WMIDEV000000001", "Development PKI")
    assert (leaf.authority, sub.authority) == (False, True)
    assert (leaf.path_length, sub.path_length) == (None, 1)
    assert leaf.may("digital_signature")
    assert not leaf.may("key_cert_sign")
    assert sub.may("key_cert_sign")
    assert leaf.purposes == {ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string}
    assert sub.purposes is None
    assert leaf.ocsp_url == STATUS_ADDRESS
    assert leaf.not_understood == ()  # Annex B's critical extensions are understood
    assert leaf.valid_until_s - leaf.valid_from_s == 365 * 86400


def test_a_certificate_knows_what_it_issued() -> None:
    assert facts("oem_sub2").issued(facts("vehicle"))
    assert not facts("oem_sub1").issued(facts("vehicle"))
    other = Pki(Curve.ED448, MADE)  # the same names, other keys
    assert not facts("oem_sub2", other).issued(facts("vehicle"))
    assert facts("oem_sub2", other).issued(facts("vehicle", other))


@pytest.mark.parametrize(
    ("curve", "kind"), [(Curve.ED448, KeyKind.ED448), (Curve.P256, KeyKind.P256), (Curve.P384, KeyKind.OTHER)]
)
def test_kinds_of_keys(curve: Curve, kind: KeyKind) -> None:
    found = facts("vehicle", Pki(curve, MADE))
    assert found.key_kind is kind
    assert (found.public_key is None) is (kind is KeyKind.OTHER)


def test_an_rsa_key_is_another_kind() -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old\x07\nworld")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, MADE, MADE)
    found = read_certificate(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    assert (found.key_kind, found.key_name, found.public_key) == (KeyKind.OTHER, "RSA", None)
    assert found.key_usage is None
    assert not found.may("digital_signature")
    assert found.shown_name == "old??world"


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\x30" * 800, bytes(800), b"\x30\x82\xff\xff" + bytes(796)])
def test_junk_is_unreadable(junk: bytes) -> None:
    with pytest.raises(CertificateUnreadable, match=f"{len(junk)} bytes that are no certificate"):
        read_certificate(junk)


@given(at=st.integers(0, 10_000), length=st.integers(0, 8), new=st.binary(max_size=8))
def test_no_mutation_raises_anything_else(at: int, length: int, new: bytes) -> None:
    der = PKI.certificates["contract"].public_bytes(Encoding.DER)
    at %= len(der)
    try:
        found = read_certificate(der[:at] + new + der[at + length :])
    except CertificateUnreadable as error:
        assert "\n" not in str(error)
    else:
        assert len(found.identity) == 64
        assert len(found.shown_name) <= 60
