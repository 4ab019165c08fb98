"""What the car signs with: a private key becomes the `sign` of `Credentials`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448

from chargepoint.iso15118.messages.common_messages import SignedCertificateChain
from chargepoint.iso15118.messages.xmldsig import Signature
from chargepoint.iso15118.pnc.signature import SignedElement, sign

_ELEMENT_NAMES: dict[type, str] = {SignedCertificateChain: "OEMProvisioningCertificateChain"}
"""Classes whose element has another name."""


def signed_by(key: ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey) -> Callable[[Any], Signature]:
    """A function that signs one message part, which has an `Id`, with this key. It raises ExiError for anything else."""

    def signature_of(part: Any) -> Signature:
        return sign([SignedElement(part, _ELEMENT_NAMES.get(type(part)))], key)

    return signature_of
