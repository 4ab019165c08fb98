"""Whether a request is signed with the key of a certificate: ECDSA on secp256r1 with SHA-256, in the header of the message.

Source: docs/sources/iso15118-2-din.md 5.
"""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.pnc.signature import SignedElement, verify
from chargepoint.security.certificates import CertificateUnreadable, read_certificate


def wrong_signature(body: Any, leaf_der: bytes, at: Situation) -> str | None:
    """Why the header's signature is not that of this key over this body; None for a good one. Never raises."""
    try:
        key = read_certificate(leaf_der).public_key
    except CertificateUnreadable as error:
        return f"the certificate cannot be read: {error}"
    if key is None:
        return "the certificate has a key that cannot sign"
    finding = verify(at.signature, [SignedElement(body)], key, allow_p256=True)
    return None if finding is None else f"signature of {type(body).__name__}: {finding.text}"
