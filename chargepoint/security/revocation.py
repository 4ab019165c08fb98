"""Asking the central system whether certificates are revoked, and reading the answer. A core.

The question is the hash data of OCPP 2.0.1 (`iso15118CertificateHashData` of Authorize, `ocspRequestData` of GetCertificateStatus).
The answer to GetCertificateStatus is an OCSP response (RFC 6960). Sources: OCPP 2.0.1 Part 2, OCSPRequestDataType and M06.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargepoint.model.car_questions import CertificateHash
from chargepoint.security import certificate_hash
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_certificate


class Revocation(Enum):
    """What is known about the revocation of one certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


CLOCK_TOLERANCE_S = 300.0
"""So far an answer may lie in the future: two clocks are never the same."""


def hash_data(chain: Sequence[CertificateFacts], root: CertificateFacts | None) -> tuple[CertificateHash, ...]:
    """The question for each certificate, leaf first.

    The highest certificate is left out where its issuer, the root, is not known: its hashes need the issuer's key. So is a
    certificate that OCPP cannot ask about: one without an OCSP address, or with an address or a number that is too long.
    Raises CertificateUnreadable where a key has no DER form.
    """
    issuers = [*chain, *([root] if root is not None else [])]
    return tuple(
        _question(certificate, issuer) for certificate, issuer in pairwise(issuers) if _can_be_asked(certificate)
    )


def _can_be_asked(certificate: CertificateFacts) -> bool:
    """OCSPRequestDataType wants an address of at most 512 characters, and a number of at most 40 hexadecimal digits."""
    number = certificate.certificate.serial_number
    return certificate.ocsp_url is not None and len(certificate.ocsp_url) <= 512 and 0 < number < 16**40


def _question(certificate: CertificateFacts, issuer: CertificateFacts) -> CertificateHash:
    found = certificate_hash.hash_data(certificate, issuer)
    return CertificateHash(
        hash_algorithm=found.algorithm,
        issuer_name_hash=found.issuer_name_hash,
        issuer_key_hash=found.issuer_key_hash,
        serial_number=found.serial_number,
        responder_url=certificate.ocsp_url or "",
    )


def read_answer(
    ocsp_result: str, certificate: CertificateFacts, issuer: CertificateFacts, at_utc_s: float
) -> Revocation:
    """What an OCSP response says about this certificate (`ocspResult`: base64 of the DER). Never raises.

    Only a response that is successful, about this certificate, within its time, and signed by the issuer or by a responder that the
    issuer appointed, says GOOD or REVOKED. Anything else is UNKNOWN. `at_utc_s`: seconds since 1970.
    """
    try:
        response = ocsp.load_der_ocsp_response(base64.b64decode(ocsp_result, validate=True))
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return Revocation.UNKNOWN
        return _status(response, certificate, issuer, at_utc_s)
    except (
        ValueError,
        TypeError,
        binascii.Error,
        UnsupportedAlgorithm,
        CertificateUnreadable,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ):
        return Revocation.UNKNOWN


def _status(
    response: ocsp.OCSPResponse, certificate: CertificateFacts, issuer: CertificateFacts, at_utc_s: float
) -> Revocation:
    if not _is_signed(response, issuer, at_utc_s):
        return Revocation.UNKNOWN
    for single in response.responses:
        if single.serial_number != certificate.certificate.serial_number or not _is_about(single, certificate, issuer):
            continue
        until = single.next_update_utc
        if single.this_update_utc.timestamp() > at_utc_s + CLOCK_TOLERANCE_S:
            return Revocation.UNKNOWN
        if until is not None and until.timestamp() < at_utc_s - CLOCK_TOLERANCE_S:
            return Revocation.UNKNOWN
        return {
            ocsp.OCSPCertStatus.GOOD: Revocation.GOOD,
            ocsp.OCSPCertStatus.REVOKED: Revocation.REVOKED,
        }.get(single.certificate_status, Revocation.UNKNOWN)
    return Revocation.UNKNOWN


def _is_about(single: ocsp.OCSPSingleResponse, certificate: CertificateFacts, issuer: CertificateFacts) -> bool:
    """Whether the issuer's hashes in the response are those of this issuer, by the response's own hash algorithm."""
    builder = ocsp.OCSPRequestBuilder()
    same = builder.add_certificate(certificate.certificate, issuer.certificate, single.hash_algorithm).build()
    return same.issuer_name_hash == single.issuer_name_hash and same.issuer_key_hash == single.issuer_key_hash


def _is_signed(response: ocsp.OCSPResponse, issuer: CertificateFacts, at_utc_s: float) -> bool:
    """Signed by the issuer itself, or by a responder with the purpose «OCSP signing» that the issuer issued (RFC 6960 4.2.2.2)."""
    responders = [issuer]
    for embedded in response.certificates:
        facts = read_certificate(embedded.public_bytes(Encoding.DER))
        may_answer = facts.purposes is not None and ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in facts.purposes
        if may_answer and facts.valid_from_s <= at_utc_s <= facts.valid_until_s and issuer.issued(facts):
            responders.append(facts)
    return any(_verifies(response, responder) for responder in responders)


def _verifies(response: ocsp.OCSPResponse, responder: CertificateFacts) -> bool:
    key, digest = responder.certificate.public_key(), response.signature_hash_algorithm
    try:
        if isinstance(key, ed448.Ed448PublicKey):
            key.verify(response.signature, response.tbs_response_bytes)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(response.signature, response.tbs_response_bytes, PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True
