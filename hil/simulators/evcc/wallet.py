"""The car's certificates and keys from a folder of `./run certs`, as `Credentials`."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.signing import signed_by


def credentials_of(folder: Path) -> Credentials | None:
    """Contract and provisioning chain with their keys; None where the folder has not all of them."""
    names = [f"{leaf}{end}" for leaf in ("contract", "provisioning") for end in ("_chain.pem", ".key")]
    if not all((folder / name).exists() for name in (*names, "v2g_root.pem")):
        return None
    root = x509.load_pem_x509_certificate((folder / "v2g_root.pem").read_bytes())
    return Credentials(
        contract_chain=_chain(folder / "contract_chain.pem"),
        sign=signed_by(_key(folder / "contract.key")),
        provisioning_chain=_chain(folder / "provisioning_chain.pem"),
        sign_provisioning=signed_by(_key(folder / "provisioning.key")),
        root_ids=(X509IssuerSerial(X509IssuerName=root.issuer.rfc4514_string(), X509SerialNumber=root.serial_number),),
    )


def _chain(file: Path) -> tuple[bytes, ...]:
    return tuple(c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(file.read_bytes()))


def _key(file: Path) -> ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey:
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey)
    return key
