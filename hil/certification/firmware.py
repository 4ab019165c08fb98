"""Firmware images and signatures of the suite. The manufacturer's root is the suite's own; a station gets it before it starts.

OCPP 2.0.1 Part 2, L01.FR.04: RSA-PSS with SHA-256, the one algorithm of that text that libraries have.
"""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from certs.pki import PrivateKey
from hil.certification.installer import BEGINNING

RSA_BITS = 2048
IMAGE_BYTES = 262_144


class FirmwareSigner:
    """A firmware signing certificate and its key. `ends_after`: when it ends, from now; a negative time makes an expired one."""

    def __init__(self, issuer: x509.Certificate, issuer_key: PrivateKey, ends_after: timedelta) -> None:
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Firmware Signer")])
        end = datetime.now(UTC) + ends_after
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - timedelta(days=365))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(issuer_key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def sign(self, image: bytes) -> str:
        """The signature of an image, base64."""
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return base64.b64encode(self._key.sign(image, pss, hashes.SHA256())).decode("ascii")


def own_image(*, usable: bool) -> bytes:
    """An image for our own bench's installer: one that it takes, or one that it refuses. Its content is new each time."""
    beginning = BEGINNING if usable else b"no firmware\n"
    return beginning + secrets.token_bytes(IMAGE_BYTES)
