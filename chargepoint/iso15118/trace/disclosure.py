"""What never enters a trace: private keys even when encrypted, Diffie-Hellman values, contract identifiers and certificates.

A contract certificate carries the contract's identifier, which is a token; its fingerprint takes its place. A long payload
that was not decoded may hold any of these, so it is left out too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.exi.codec import to_json
from chargepoint.iso15118.trace.frame import TracedFrame

LEFT_OUT = "left out"
UNDECODED_MAX_BYTES = 512
"""An undecoded payload up to this length is too short for a certificate chain with a key."""

_SECRET = frozenset(
    {
        "SECP521_EncryptedPrivateKey", "X448_EncryptedPrivateKey", "TPM_EncryptedPrivateKey",
        "ContractSignatureEncryptedPrivateKey", "DHPublicKey", "DHpublickey", "DHParams",
        "eMAID", "EMAID", "PrioritizedEMAIDs", "ContractID", "IdToken",
    }
)  # fmt: skip
"""Names of elements in ISO 15118-20, ISO 15118-2 and DIN 70121."""

_CHAINS = frozenset({"ContractCertificateChain", "ContractSignatureCertChain"})


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What may be written of a frame: the message as JSON values, and the payload.

    `payload` None: it is left out, and `reason` says why. `length` is that of the payload on the wire, in bytes.
    """

    message: dict[str, Any] | None
    payload: bytes | None
    length: int
    reason: str = ""


def disclose(frame: TracedFrame) -> Disclosed:
    """What may be written of this frame."""
    length = len(frame.payload)
    if frame.message is None:
        if length > UNDECODED_MAX_BYTES and not frame.discovery:
            return Disclosed(None, None, length, f"payload of {length} bytes left out: it was not decoded")
        return Disclosed(None, frame.payload, length)
    plain = to_json(frame.message)
    found: list[str] = []
    safe = _without_secrets(plain, found)
    if found:
        return Disclosed(safe, None, length, f"payload left out: it holds {', '.join(sorted(set(found)))}")
    return Disclosed(plain, frame.payload, length)


def _without_secrets(value: Any, found: list[str]) -> Any:
    if isinstance(value, dict):
        result = {}
        for name, inner in value.items():
            if name in _SECRET:
                found.append(name)
                result[name] = LEFT_OUT
            elif name in _CHAINS:
                found.append(name)
                result[name] = _fingerprints(inner)
            else:
                result[name] = _without_secrets(inner, found)
        return result
    if isinstance(value, list):
        return [_without_secrets(inner, found) for inner in value]
    return value


def _fingerprints(value: Any) -> Any:
    """Each certificate of a chain replaced by its fingerprint; identifiers beside them stay."""
    if isinstance(value, dict):
        return {name: inner if name == "Id" else _fingerprints(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fingerprints(inner) for inner in value]
    if isinstance(value, str):
        try:
            return f"sha256:{hashlib.sha256(base64.b64decode(value, validate=True)).hexdigest()}"
        except (ValueError, binascii.Error):
            return LEFT_OUT
    return LEFT_OUT
