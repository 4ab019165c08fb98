"""Signatures in message headers: verify them over EXI fragments, and make them for the bench. A core.

A header's Signature names elements by Id, with the digest of each element's EXI fragment. The signature value covers the
EXI fragment of SignedInfo. Sources: docs/sources/iso15118-20.md 2.2, docs/sources/iso15118.md 8.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from chargepoint.iso15118.exi.codec import NS_XMLDSIG, ExiError, encode, namespace_of
from chargepoint.iso15118.messages import xmldsig
from chargepoint.security.certificates import KeyKind, PublicKey

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
SHAKE256 = "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ECDSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
ED448_ISO = "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448"
ED448_W3C = "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448"

DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    SHA256: lambda data: hashlib.sha256(data).digest(),
    SHA512: lambda data: hashlib.sha512(data).digest(),
    SHAKE256: lambda data: hashlib.shake_256(data).digest(64),
}
"""Digest of a fragment by the algorithm's URI. SHAKE256 gives 64 bytes."""


class SignatureFault(Enum):
    """Which thing is wrong with a signature."""

    MISSING = "no signature in the header"
    KEY = "the key's kind is not accepted"
    SIGNATURE_ALGORITHM = "the signature algorithm does not fit the key"
    CANONICALIZATION = "not canonical EXI"
    DIGEST_ALGORITHM = "the digest algorithm does not fit the signature algorithm"
    REFERENCE_MISSING = "an element is not referenced"
    REFERENCE_UNKNOWN = "a reference to something else"
    DIGEST_VALUE = "the digest is not that of the element"
    SIGNATURE_LENGTH = "the signature value has a wrong length"
    SIGNATURE_VALUE = "the signature is not of this key"
    NOT_ENCODABLE = "the signed part has no EXI form"


@dataclass(frozen=True, slots=True)
class SignatureFinding:
    """One thing wrong with a signature: which, and a sentence for the log."""

    fault: SignatureFault
    text: str


@dataclass(frozen=True, slots=True)
class SignedElement:
    """An element that a signature shall cover: an object with an `Id`, and its element's name where the class is no element."""

    element: object
    name: str | None = None

    @property
    def id(self) -> str | None:
        """The element's Id; None where it has none."""
        found = getattr(self.element, "Id", None)
        return found if isinstance(found, str) else None

    def fragment(self) -> bytes:
        """The bytes that are hashed. Raises ExiError."""
        return encode(self.element, fragment=True, element=self.name)


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """What belongs together: a URI, the kind of key, the digests, the length of a signature value in bytes."""

    uri: str
    key: KeyKind
    digests: tuple[str, ...]
    length: int


ALGORITHMS = (
    SignatureAlgorithm(ECDSA_SHA512, KeyKind.P521, (SHA512,), 132),
    SignatureAlgorithm(ED448_ISO, KeyKind.ED448, (SHAKE256, SHA512), 114),
    SignatureAlgorithm(ED448_W3C, KeyKind.ED448, (SHA512, SHAKE256), 114),
    SignatureAlgorithm(ECDSA_SHA256, KeyKind.P256, (SHA256,), 64),
)
"""Sources disagree on the URI and the digest of Ed448: both are accepted. P-256 is that of ISO 15118-2, for a bench."""

_ECDSA_HASH: dict[KeyKind, hashes.HashAlgorithm] = {KeyKind.P521: hashes.SHA512(), KeyKind.P256: hashes.SHA256()}


def verify(
    signature: xmldsig.Signature | None,
    elements: Sequence[SignedElement],
    key: PublicKey,
    *,
    allow_p256: bool = False,
) -> SignatureFinding | None:
    """What is wrong with a signature that shall cover exactly these elements; None for a good one. Never raises.

    `allow_p256`: a bench also accepts ECDSA on secp256r1 with SHA-256. The certificate in KeyInfo, if any, is not looked at.
    """
    if signature is None:
        return SignatureFinding(SignatureFault.MISSING, SignatureFault.MISSING.value)
    info = signature.SignedInfo
    kind = key_kind_of(key)
    if kind is KeyKind.OTHER or (kind is KeyKind.P256 and not allow_p256):
        return _wrong(SignatureFault.KEY, kind.value, "secp521r1 or Ed448")
    fitting = [a for a in ALGORITHMS if a.key is kind]
    algorithm = next((a for a in fitting if a.uri == info.SignatureMethod.Algorithm), None)
    if algorithm is None:
        wanted = " or ".join(a.uri for a in fitting)
        return _wrong(SignatureFault.SIGNATURE_ALGORITHM, info.SignatureMethod.Algorithm, wanted)
    if info.CanonicalizationMethod.Algorithm != CANONICAL_EXI:
        return _wrong(SignatureFault.CANONICALIZATION, info.CanonicalizationMethod.Algorithm, CANONICAL_EXI)
    return _wrong_references(info, elements, algorithm) or _wrong_value(signature, elements, key, algorithm)


def key_kind_of(key: object) -> KeyKind:
    """The kind of a public or private key."""
    if isinstance(key, ed448.Ed448PublicKey | ed448.Ed448PrivateKey):
        return KeyKind.ED448
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return next((k for k in (KeyKind.P521, KeyKind.P256) if k.value == key.curve.name), KeyKind.OTHER)
    return KeyKind.OTHER


def sign(
    elements: Sequence[SignedElement],
    key: ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey,
    *,
    algorithm: SignatureAlgorithm | None = None,
    digest: str | None = None,
    grammar: str = NS_XMLDSIG,
) -> xmldsig.Signature:
    """A signature over these elements, for the bench's car and for tests.

    By default the algorithm is the key's first one, the digest the algorithm's first one, and SignedInfo is encoded by the
    stand-alone xmldsig schema. Raises ValueError for a key of another kind, ExiError for elements without an EXI form.
    """
    kind = key_kind_of(key)
    chosen = algorithm or next((a for a in ALGORITHMS if a.key is kind), None)
    if chosen is None:
        raise ValueError(
            f"no signature algorithm for a key of the kind {kind.value}: use secp521r1, Ed448 or secp256r1"
        )
    digest = digest or chosen.digests[0]
    info = xmldsig.SignedInfo(
        CanonicalizationMethod=xmldsig.CanonicalizationMethod(Algorithm=CANONICAL_EXI),
        SignatureMethod=xmldsig.SignatureMethod(Algorithm=chosen.uri),
        Reference=tuple(
            xmldsig.Reference(
                URI=f"#{element.id}",
                Transforms=xmldsig.Transforms(Transform=(xmldsig.Transform(Algorithm=CANONICAL_EXI),)),
                DigestMethod=xmldsig.DigestMethod(Algorithm=digest),
                DigestValue=DIGESTS[digest](element.fragment()),
            )
            for element in elements
        ),
    )
    data = encode(info, fragment=True, namespace=grammar)
    if isinstance(key, ed448.Ed448PrivateKey):
        value = key.sign(data)
    else:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_ECDSA_HASH[kind])))
        half = chosen.length // 2
        value = r.to_bytes(half, "big") + s.to_bytes(half, "big")
    return xmldsig.Signature(SignedInfo=info, SignatureValue=xmldsig.SignatureValue(value=value))


def _wrong_references(
    info: xmldsig.SignedInfo, elements: Sequence[SignedElement], algorithm: SignatureAlgorithm
) -> SignatureFinding | None:
    missing = {f"#{element.id}": element for element in elements if element.id is not None}
    if not elements or len(missing) < len(elements):
        return _wrong(SignatureFault.REFERENCE_MISSING, "an element without an Id of its own", "an Id for each element")
    for reference in info.Reference:
        element = missing.pop(reference.URI or "", None)
        if element is None:
            return _wrong(SignatureFault.REFERENCE_UNKNOWN, str(reference.URI), ", ".join(missing) or "no more")
        for transform in reference.Transforms.Transform if reference.Transforms is not None else ():
            if transform.Algorithm != CANONICAL_EXI:
                return _wrong(SignatureFault.CANONICALIZATION, transform.Algorithm, CANONICAL_EXI)
        digest = reference.DigestMethod.Algorithm
        if digest not in algorithm.digests:
            return _wrong(SignatureFault.DIGEST_ALGORITHM, digest, " or ".join(algorithm.digests))
        try:
            expected = DIGESTS[digest](element.fragment())
        except ExiError as error:
            return SignatureFinding(SignatureFault.NOT_ENCODABLE, f"{SignatureFault.NOT_ENCODABLE.value}: {error}")
        if not hmac.compare_digest(expected, reference.DigestValue):
            return _wrong(SignatureFault.DIGEST_VALUE, reference.DigestValue.hex()[:16], expected.hex()[:16])
    if missing:
        return _wrong(SignatureFault.REFERENCE_MISSING, "no reference", ", ".join(missing))
    return None


def _wrong_value(
    signature: xmldsig.Signature, elements: Sequence[SignedElement], key: PublicKey, algorithm: SignatureAlgorithm
) -> SignatureFinding | None:
    """SignedInfo is encoded by the schema of the message, and by the stand-alone xmldsig schema: stacks do either."""
    value: bytes = signature.SignatureValue.value
    if len(value) != algorithm.length:
        return _wrong(SignatureFault.SIGNATURE_LENGTH, f"{len(value)} bytes", f"{algorithm.length} bytes")
    try:
        for grammar in (*{namespace_of(element.element) for element in elements}, NS_XMLDSIG):
            if _fits(value, encode(signature.SignedInfo, fragment=True, namespace=grammar), key):
                return None
    except ExiError as error:
        return SignatureFinding(SignatureFault.NOT_ENCODABLE, f"{SignatureFault.NOT_ENCODABLE.value}: {error}")
    return SignatureFinding(SignatureFault.SIGNATURE_VALUE, SignatureFault.SIGNATURE_VALUE.value)


def _fits(value: bytes, data: bytes, key: Any) -> bool:
    try:
        if isinstance(key, ed448.Ed448PublicKey):
            key.verify(value, data)
        else:
            half = len(value) // 2
            r, s = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(_ECDSA_HASH[key_kind_of(key)]))
    except InvalidSignature:
        return False
    return True


def _wrong(fault: SignatureFault, found: str, wanted: str) -> SignatureFinding:
    """The peer's own words are cut and cleaned before they reach a log."""
    shown = "".join(c if c.isprintable() else "?" for c in found[:120])
    return SignatureFinding(fault, f"{fault.value}: {shown}; expected {wanted}")
