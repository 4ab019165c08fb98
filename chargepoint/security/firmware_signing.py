"""Who signed a firmware file, and whether the signature is of this file. A core: no file, no clock.

OCPP 2.0.1 Part 2, L01.FR.04, FR.12, FR.21: RSA-PSS with SHA-256. ECSchnorr, the other algorithm of that text, is in no library; ECDSA with
SHA-256 is taken for keys on elliptic curves.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

RSA_BITS_MIN, CURVE_BITS_MIN = 2048, 224


class SigningUnusable(ValueError):
    """A certificate or a signature cannot be used; the text says why."""


def wrong_signer(certificate_pem: str, roots_pem: str, at_utc_s: float) -> str:
    """Why this firmware signing certificate is not valid; "" where it is. A root of the manufacturer must have issued it directly."""
    try:
        certificate = _certificate(certificate_pem)
        roots = x509.load_pem_x509_certificates(roots_pem.encode()) if roots_pem.strip() else []
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"unreadable: {str(error)[:200]}"
    if not roots:
        return (
            "the station knows no root of its manufacturer: see [station] firmware_root_file, or install one over OCPP"
        )
    at = datetime.fromtimestamp(at_utc_s, UTC)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        return f"valid only from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}"
    why = _wrong_key(certificate) or _wrong_use(certificate)
    if why:
        return why
    if not any(_issued(certificate, root, at) for root in roots):
        return f"no valid root of the manufacturer issued {certificate.subject.rfc4514_string()[:200]}"
    return ""


class FirmwareSignature:
    """Feed the whole file in order, then ask. Raises SigningUnusable where certificate or signature cannot be read."""

    def __init__(self, certificate_pem: str, signature_base64: str) -> None:
        try:
            self._key = _certificate(certificate_pem).public_key()
            self._signature = base64.b64decode(signature_base64, validate=True)
        except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
            raise SigningUnusable(f"certificate or signature unreadable: {str(error)[:200]}") from None
        self._hash = hashes.Hash(hashes.SHA256())

    def update(self, piece: bytes) -> None:
        """The next piece of the file."""
        self._hash.update(piece)

    def is_valid(self) -> bool:
        """Whether the signature is of this file and by this certificate's key. Ask once."""
        digest, prehashed = self._hash.finalize(), Prehashed(hashes.SHA256())
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
                self._key.verify(self._signature, digest, pss, prehashed)
            elif isinstance(self._key, ec.EllipticCurvePublicKey):
                self._key.verify(self._signature, digest, ec.ECDSA(prehashed))
            else:
                return False
        except InvalidSignature:
            return False
        return True


def _certificate(pem: str) -> x509.Certificate:
    """One PEM certificate; some central systems leave out its frame."""
    text = pem.strip()
    if not text.startswith("-----BEGIN"):
        text = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    return x509.load_pem_x509_certificate(text.encode())


def _wrong_key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "" if key.key_size >= RSA_BITS_MIN else f"its RSA key has {key.key_size} bits: at least {RSA_BITS_MIN}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.key_size >= CURVE_BITS_MIN else f"its key has {key.curve.key_size} bits"
    return "its key is neither RSA nor on an elliptic curve"


def _wrong_use(certificate: x509.Certificate) -> str:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        return "" if usage.digital_signature else "its key usage permits no digital signatures"
    except x509.ExtensionNotFound:
        return ""


def _issued(certificate: x509.Certificate, root: x509.Certificate, at: datetime) -> bool:
    if not root.not_valid_before_utc <= at <= root.not_valid_after_utc:
        return False
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
