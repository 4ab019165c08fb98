"""The hash data by which OCPP names a certificate: hashes of its issuer's name and key, and its serial number. Pure.

Source: OCPP 2.0.1 Part 2, CertificateHashDataType (as RFC 6960 CertID).
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable

_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class HashData:
    """All in lower-case hexadecimal; the serial number without leading zeros."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


def hash_data(certificate: CertificateFacts, issuer: CertificateFacts, algorithm: str = "SHA256") -> HashData:
    """The hash data of a certificate; of a root the issuer is itself. Raises CertificateUnreadable where a key has no DER form."""
    try:
        builder = ocsp.OCSPRequestBuilder()
        found = builder.add_certificate(certificate.certificate, issuer.certificate, _ALGORITHMS[algorithm]).build()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateUnreadable(f"{certificate.shown_name}: {error}") from error
    return HashData(algorithm, found.issuer_name_hash.hex(), found.issuer_key_hash.hex(), f"{found.serial_number:x}")
