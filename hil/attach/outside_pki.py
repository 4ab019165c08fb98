"""Keys of an outside car's own PKI, in the layout of PyPI `iso15118` (its create_certs.sh), brought into ours.

The car keeps its files. The station takes the SECC chain and key, and the roots of V2G, OEM and contracts. The bench's central system takes the
chains with which it makes contract certificates. The key is decrypted into a
file of the demo's folder with mode 0600.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cryptography.hazmat.primitives import serialization

MARK = Path("iso15118_2") / "certs" / "cpoCertChain.pem"


_CHAINS = {
    "cps_chain.pem": ("cpsLeafCert", "cpsSubCA2Cert", "cpsSubCA1Cert"),
    "contract_chain.pem": ("contractLeafCert", "moSubCA2Cert", "moSubCA1Cert"),
}
"""Chains for the bench's central system, leaf first."""


class PkiError(RuntimeError):
    """The folder is no such PKI: says which file."""


def bring_in(source: Path, target: Path) -> None:
    """Fill `target` (our layout) from `source` (a PKI_PATH of the outside car). Raises PkiError."""
    certificates, keys = source / "iso15118_2" / "certs", source / "iso15118_2" / "private_keys"
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(certificates / "cpoCertChain.pem", target / "secc_chain.pem")
        _write_key(target / "secc.key", keys, "seccLeaf")
        _write_key(target / "cps.key", keys, "cpsLeaf")
        _write_key(target / "contract.key", keys, "contractLeaf")
        for chain, names in _CHAINS.items():
            (target / chain).write_bytes(b"".join((certificates / f"{name}.pem").read_bytes() for name in names))
        for folder, name in (
            ("v2g_roots", "v2gRootCACert.pem"),
            ("oem_roots", "oemRootCACert.pem"),
            ("mo_roots", "moRootCACert.pem"),
        ):
            (target / folder).mkdir(exist_ok=True)
            shutil.copyfile(certificates / name, target / folder / name)
    except (OSError, ValueError, TypeError) as error:
        raise PkiError(f"{source}: {error}") from error


def _write_key(path: Path, keys: Path, name: str) -> None:
    pem, file = (keys / f"{name}.key").read_bytes(), keys / f"{name}Password.txt"
    password = (file.read_bytes().strip() or None) if file.exists() else None
    try:
        key = serialization.load_pem_private_key(pem, password)
    except TypeError:  # a password for a key that has none
        key = serialization.load_pem_private_key(pem, None)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(plain)
