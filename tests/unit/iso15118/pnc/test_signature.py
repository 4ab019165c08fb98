"""Signatures over EXI fragments: made here and verified here; each way to spoil one has its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from certs.pki import Curve, PrivateKey
from chargepoint.iso15118.exi.codec import NS_CM, NS_XMLDSIG, encode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import xmldsig
from chargepoint.iso15118.pnc.signature import (
    ALGORITHMS,
    DIGESTS,
    ED448_ISO,
    ED448_W3C,
    SHA256,
    SHA512,
    SHAKE256,
    SignatureFault,
    SignedElement,
    sign,
    verify,
)

P521_KEY = Curve.P521.key()
ED448_KEY = Curve.ED448.key()
P256_KEY = Curve.P256.key()


def request(identifier: str = "id1", challenge: bytes = bytes(range(16))) -> cm.PnC_AReqAuthorizationMode:
    chain = cm.ContractCertificateChain(
        Certificate=b"leaf" * 100, SubCertificates=cm.SubCertificates(Certificate=(b"sub" * 100,))
    )
    return cm.PnC_AReqAuthorizationMode(Id=identifier, GenChallenge=challenge, ContractCertificateChain=chain)


BODY = SignedElement(request())


def fault_of(signature: xmldsig.Signature | None, key: PrivateKey, **options: Any) -> SignatureFault | None:
    finding = verify(signature, [BODY], key.public_key(), **options)
    if finding is not None:
        assert finding.text.startswith(finding.fault.value)
    return None if finding is None else finding.fault


@pytest.mark.parametrize("grammar", [NS_CM, NS_XMLDSIG])
@pytest.mark.parametrize("key", [P521_KEY, ED448_KEY], ids=["p521", "ed448"])
def test_a_signature_is_verified_in_both_grammars(key: PrivateKey, grammar: str) -> None:
    assert fault_of(sign([BODY], key, grammar=grammar), key) is None


@pytest.mark.parametrize("uri", [ED448_ISO, ED448_W3C])
@pytest.mark.parametrize("digest", [SHAKE256, SHA512])
def test_both_names_and_both_digests_of_ed448_are_taken(uri: str, digest: str) -> None:
    algorithm = next(a for a in ALGORITHMS if a.uri == uri)
    signature = sign([BODY], ED448_KEY, algorithm=algorithm, digest=digest)
    assert len(signature.SignatureValue.value) == 114
    assert len(signature.SignedInfo.Reference[0].DigestValue) == 64
    assert fault_of(signature, ED448_KEY) is None


def test_p521_is_132_bytes_whatever_the_numbers_are() -> None:
    assert {len(sign([BODY], P521_KEY).SignatureValue.value) for _ in range(20)} == {132}


def test_p256_is_a_matter_of_the_switch() -> None:
    signature = sign([BODY], P256_KEY)
    assert fault_of(signature, P256_KEY) is SignatureFault.KEY
    assert fault_of(signature, P256_KEY, allow_p256=True) is None


def test_p384_is_never_taken() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    assert fault_of(sign([BODY], P521_KEY), key, allow_p256=True) is SignatureFault.KEY
    with pytest.raises(ValueError, match="secp521r1, Ed448 or secp256r1"):
        sign([BODY], key)


def info(signature: xmldsig.Signature, **changes: Any) -> xmldsig.Signature:
    return replace(signature, SignedInfo=replace(signature.SignedInfo, **changes))


def reference(signature: xmldsig.Signature, **changes: Any) -> xmldsig.Signature:
    return info(signature, Reference=(replace(signature.SignedInfo.Reference[0], **changes),))


def value(signature: xmldsig.Signature, data: bytes) -> xmldsig.Signature:
    return replace(signature, SignatureValue=xmldsig.SignatureValue(value=data))


def method(uri: str) -> xmldsig.SignatureMethod:
    return xmldsig.SignatureMethod(Algorithm=uri)


SPOILT: list[tuple[SignatureFault, Callable[[xmldsig.Signature], xmldsig.Signature | None]]] = [
    (SignatureFault.MISSING, lambda s: None),
    (SignatureFault.SIGNATURE_ALGORITHM, lambda s: info(s, SignatureMethod=method(ED448_ISO))),
    (SignatureFault.SIGNATURE_ALGORITHM, lambda s: info(s, SignatureMethod=method("http://no.example/\x1b[2J"))),
    (
        SignatureFault.CANONICALIZATION,
        lambda s: info(s, CanonicalizationMethod=xmldsig.CanonicalizationMethod(Algorithm="http://c14n")),
    ),
    (
        SignatureFault.CANONICALIZATION,
        lambda s: reference(s, Transforms=xmldsig.Transforms(Transform=(xmldsig.Transform(Algorithm="http://xslt"),))),
    ),
    (SignatureFault.DIGEST_ALGORITHM, lambda s: reference(s, DigestMethod=xmldsig.DigestMethod(Algorithm=SHA256))),
    (SignatureFault.DIGEST_ALGORITHM, lambda s: reference(s, DigestMethod=xmldsig.DigestMethod(Algorithm=SHAKE256))),
    (SignatureFault.REFERENCE_UNKNOWN, lambda s: reference(s, URI="#id2")),
    (SignatureFault.REFERENCE_UNKNOWN, lambda s: reference(s, URI=None)),
    (SignatureFault.REFERENCE_UNKNOWN, lambda s: info(s, Reference=s.SignedInfo.Reference * 2)),
    (SignatureFault.DIGEST_VALUE, lambda s: reference(s, DigestValue=bytes(64))),
    (SignatureFault.DIGEST_VALUE, lambda s: reference(s, DigestValue=b"")),
    (SignatureFault.SIGNATURE_LENGTH, lambda s: value(s, b"")),
    (SignatureFault.SIGNATURE_LENGTH, lambda s: value(s, s.SignatureValue.value[:-1])),
    (SignatureFault.SIGNATURE_VALUE, lambda s: value(s, bytes(132))),
    (SignatureFault.SIGNATURE_VALUE, lambda s: value(s, b"\xff" * 132)),
    (SignatureFault.SIGNATURE_VALUE, lambda s: info(s, Id="added")),
    (SignatureFault.NOT_ENCODABLE, lambda s: info(s, Id=object())),
]


@pytest.mark.parametrize(("fault", "spoil"), SPOILT, ids=[f"{f.name}-{n}" for n, (f, _) in enumerate(SPOILT)])
def test_each_spoilt_part_has_its_name(
    fault: SignatureFault, spoil: Callable[[xmldsig.Signature], xmldsig.Signature | None]
) -> None:
    assert fault_of(spoil(sign([BODY], P521_KEY)), P521_KEY) is fault


def test_control_characters_of_the_car_do_not_reach_the_log() -> None:
    spoilt = info(sign([BODY], P521_KEY), SignatureMethod=method("\x1b[2J" * 100))
    finding = verify(spoilt, [BODY], P521_KEY.public_key())
    assert finding is not None
    assert "\x1b" not in finding.text
    assert len(finding.text) < 300


def test_another_key_or_another_body_does_not_fit() -> None:
    signature = sign([BODY], P521_KEY)
    assert fault_of(signature, Curve.P521.key()) is SignatureFault.SIGNATURE_VALUE
    other = SignedElement(request(challenge=bytes(16)))
    finding = verify(signature, [other], P521_KEY.public_key())
    assert finding is not None
    assert finding.fault is SignatureFault.DIGEST_VALUE


def test_every_element_must_be_covered() -> None:
    second = SignedElement(request("id2"))
    key = ED448_KEY.public_key()
    both = sign([BODY, second], ED448_KEY)
    assert verify(both, [BODY, second], key) is None
    assert verify(both, [second, BODY], key) is None
    short = verify(sign([BODY], ED448_KEY), [BODY, second], key)
    assert short is not None
    assert short.fault is SignatureFault.REFERENCE_MISSING
    nothing = verify(both, [], key)
    assert nothing is not None
    assert nothing.fault is SignatureFault.REFERENCE_MISSING


def test_an_element_by_its_name_is_covered() -> None:
    chain = cm.SignedCertificateChain(Id="id1", Certificate=b"oem", SubCertificates=None)
    named = SignedElement(chain, "OEMProvisioningCertificateChain")
    assert verify(sign([named], P521_KEY), [named], P521_KEY.public_key()) is None


def test_the_digests_are_those_of_the_fragment() -> None:
    fragment = encode(request(), fragment=True)
    for digest in (SHA512, SHAKE256):
        algorithm = ALGORITHMS[1]
        made = sign([BODY], ed448.Ed448PrivateKey.generate(), algorithm=algorithm, digest=digest)
        assert made.SignedInfo.Reference[0].DigestValue == DIGESTS[digest](fragment)
