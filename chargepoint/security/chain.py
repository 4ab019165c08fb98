"""What can be wrong with a chain of certificates, leaf first, up to a root that the station trusts. A core.

The functions here check one thing each. The order of the checks, and what follows, belongs to the caller: a contract
(`iso15118/pnc/contract.py`) and a vehicle (`vehicle.py`) have different rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from chargepoint.security.certificates import CertificateFacts, KeyKind


class ChainFault(Enum):
    """Which thing is wrong with a chain."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "certificate too large"
    LENGTH = "number of certificates"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    REVOKED = "revoked"
    KEY = "kind of key"
    SIGNATURE = "kind of signature"
    LEAF_IS_AUTHORITY = "leaf is an authority"
    KEY_USAGE = "key usage"
    PURPOSE = "purpose"
    NAME = "name"
    ORGANIZATION = "organisation"
    STATUS_ADDRESS = "no address of revocation"
    CRITICAL_EXTENSION = "critical extension not understood"
    NO_AUTHORITY = "sub-CA is no authority"
    PATH_LENGTH = "path length"
    ORDER = "not issued by the next certificate"
    ROOT_UNKNOWN = "root unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: which, and a sentence for the log with the value and its bound."""

    fault: ChainFault
    text: str


def accepted_keys(*, allow_p256: bool) -> frozenset[KeyKind]:
    """secp521r1 and Ed448 as ISO 15118-20 demands; secp256r1 only on a bench (docs/sources/iso15118-20.md 8)."""
    wanted = {KeyKind.P521, KeyKind.ED448}
    return frozenset(wanted | {KeyKind.P256} if allow_p256 else wanted)


def expired(chain: Iterable[CertificateFacts], at_utc_s: float) -> Finding | None:
    """The first certificate whose validity has ended. The last valid second belongs to the validity."""
    for certificate in chain:
        if at_utc_s > certificate.valid_until_s:
            days = (at_utc_s - certificate.valid_until_s) / 86400
            return Finding(ChainFault.EXPIRED, f"{certificate.shown_name}: expired {days:.1f} days ago; renew it")
    return None


def not_yet_valid(chain: Iterable[CertificateFacts], at_utc_s: float) -> Finding | None:
    """The first certificate whose validity has not begun."""
    for certificate in chain:
        if at_utc_s < certificate.valid_from_s:
            days = (certificate.valid_from_s - at_utc_s) / 86400
            text = f"{certificate.shown_name}: valid only in {days:.1f} days; check the station's clock"
            return Finding(ChainFault.NOT_YET_VALID, text)
    return None


def wrong_key(chain: Iterable[CertificateFacts], *, allow_p256: bool) -> Finding | None:
    """The first certificate whose key is of no accepted kind."""
    for certificate in chain:
        if certificate.key_kind not in accepted_keys(allow_p256=allow_p256):
            bench = " ([iso15118] allow_p256 for a bench)" if certificate.key_kind is KeyKind.P256 else ""
            text = f"{certificate.shown_name}: key on {certificate.key_name}; secp521r1 or Ed448 expected{bench}"
            return Finding(ChainFault.KEY, text)
    return None


def weak_key(chain: Iterable[CertificateFacts]) -> Finding | None:
    """The first certificate with less than 112 bits of security: RSA and DSA below 2048, curves below 224 bits (A00.FR.501 to FR.503)."""
    for certificate in chain:
        match certificate.certificate.public_key():
            case rsa.RSAPublicKey() | dsa.DSAPublicKey() as key if key.key_size < 2048:
                return Finding(ChainFault.KEY, f"{certificate.shown_name}: key of {key.key_size} bits, at least 2048")
            case ec.EllipticCurvePublicKey() as key if key.key_size < 224:
                return Finding(ChainFault.KEY, f"{certificate.shown_name}: curve of {key.key_size} bits, at least 224")
            case _:
                pass
    return None


def weak_signature(chain: Iterable[CertificateFacts]) -> Finding | None:
    """The first certificate that is signed over a hash of less than 256 bits, as MD5 and SHA-1 are (A00.FR.504, FR.506).

    A root vouches for itself by its place in the station, so its own signature is not judged.
    """
    for certificate in chain:
        hashed = certificate.certificate.signature_hash_algorithm
        if hashed is not None and hashed.digest_size < 32 and not certificate.issued(certificate):
            text = f"{certificate.shown_name}: signed over {hashed.name}; a hash of at least 256 bits is wanted"
            return Finding(ChainFault.SIGNATURE, text)
    return None


def not_understood(chain: Iterable[CertificateFacts]) -> Finding | None:
    """The first certificate with a critical extension that nobody here understands."""
    for certificate in chain:
        if certificate.not_understood:
            text = f"{certificate.shown_name}: critical extension {certificate.not_understood[0]} is not understood"
            return Finding(ChainFault.CRITICAL_EXTENSION, text)
    return None


def wrong_leaf(leaf: CertificateFacts) -> Finding | None:
    """A leaf that may sign certificates, or may not make digital signatures."""
    if leaf.authority or leaf.may("key_cert_sign"):
        return Finding(ChainFault.LEAF_IS_AUTHORITY, f"{leaf.shown_name}: the leaf may sign certificates")
    if not leaf.may("digital_signature"):
        return Finding(ChainFault.KEY_USAGE, f"{leaf.shown_name}: key usage without digitalSignature")
    return None


def wrong_authority(chain: Sequence[CertificateFacts]) -> Finding | None:
    """The first certificate above the leaf that is no authority, may not sign certificates, or stands too high.

    `chain` is leaf first; a root at its end is judged too.
    """
    for below, certificate in enumerate(chain[1:]):
        if not certificate.authority:
            return Finding(
                ChainFault.NO_AUTHORITY, f"{certificate.shown_name}: issues certificates and is no authority"
            )
        if not certificate.may("key_cert_sign"):
            return Finding(ChainFault.KEY_USAGE, f"{certificate.shown_name}: key usage without keyCertSign")
        if certificate.path_length is not None and below > certificate.path_length:
            text = f"{certificate.shown_name}: {below} sub-CAs below it, path length {certificate.path_length}"
            return Finding(ChainFault.PATH_LENGTH, text)
    return None


def wrong_order(chain: Sequence[CertificateFacts]) -> Finding | None:
    """The first certificate that the next one did not issue: another name, or another key signed."""
    for certificate, issuer in itertools.pairwise(chain):
        if not issuer.issued(certificate):
            text = f"{certificate.shown_name}: not issued by {issuer.shown_name}, the next certificate of the chain"
            return Finding(ChainFault.ORDER, text)
    return None


def root_of(top: CertificateFacts, roots: Iterable[CertificateFacts]) -> CertificateFacts | None:
    """The root that issued the highest certificate of a chain; None if no root did."""
    return next((root for root in roots if root.issued(top)), None)
