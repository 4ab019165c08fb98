"""Which certificate a car may show in the TLS handshake. A core.

ISO 15118-20: the leaf is the vehicle's. It has the purpose «TLS client», a key on secp521r1 or Ed448, and the EVCCID as its common
name. Provisioning and contract leaves are no TLS credentials (docs/sources/iso15118-20.md 8).
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.x509.oid import ExtendedKeyUsageOID

from chargepoint.security import chain as rules
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, KeyKind, read_certificate
from chargepoint.security.chain import ChainFault, Finding

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string


def wrong_vehicle(chain: Sequence[bytes], *, allow_p256: bool) -> Finding | None:
    """What is wrong with a car's chain (DER, leaf first), beyond what TLS has checked; None if the car is accepted.

    TLS has checked signatures, validity and root. `chain` may end with the root, or be the leaf alone where no more is known.
    A leaf on secp256r1 is of ISO 15118-2's world: where `allow_p256` lets it in, the purpose is not asked for.
    """
    try:
        certificates = [read_certificate(der) for der in chain]
    except CertificateUnreadable as error:
        return Finding(ChainFault.UNREADABLE, str(error))
    if not certificates:
        return Finding(ChainFault.LENGTH, "no certificate; a car must show its vehicle certificate")
    return (
        rules.wrong_key(certificates, allow_p256=allow_p256)
        or rules.not_understood(certificates)
        or rules.wrong_leaf(certificates[0])
        or rules.wrong_authority(certificates)
        or _wrong_purpose(certificates[0])
    )


def _wrong_purpose(leaf: CertificateFacts) -> Finding | None:
    if leaf.key_kind is KeyKind.P256 or (leaf.purposes is not None and CLIENT_AUTH in leaf.purposes):
        return None
    text = f"{leaf.shown_name}: no vehicle certificate: the purpose «TLS client» is missing"
    return Finding(ChainFault.PURPOSE, f"{text}; provisioning and contract certificates open no TLS connection")
