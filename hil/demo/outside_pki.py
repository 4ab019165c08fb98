"""Keys of an outside car's own PKI, in the layout of PyPI `iso15118` (its create_certs.sh), brought into ours.

The car keeps its files. The station takes the SECC chain and key, and the V2G and OEM roots. The key is decrypted into a
file of the demo's folder with mode 0600.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cryptography.hazmat.primitives import serialization

MARK = Path("iso15118_2") / "certs" / "cpoCertChain.pem"


class PkiError(RuntimeError):
    """The folder is no such PKI: says which file."""


def bring_in(source: Path, target: Path) -> None:
    """Fill `target` (our layout) from `source` (a PKI_PATH of the outside car). Raises PkiError."""
    certificates, keys = source / "iso15118_2" / "certs", source / "iso15118_2" / "private_keys"
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(certificates / "cpoCertChain.pem", target / "secc_chain.pem")
        password = keys / "seccLeafPassword.txt"
        secret = password.read_bytes().strip() if password.exists() else None
        _write_key(target / "secc.key", (keys / "seccLeaf.key").read_bytes(), secret)
        for folder, name in (("v2g_roots", "v2gRootCACert.pem"), ("oem_roots", "oemRootCACert.pem")):
            (target / folder).mkdir(exist_ok=True)
            shutil.copyfile(certificates / name, target / folder / name)
    except (OSError, ValueError, TypeError) as error:
        raise PkiError(f"{source}: {error}") from error


def _write_key(path: Path, pem: bytes, password: bytes | None) -> None:
    try:
        key = serialization.load_pem_private_key(pem, password)
    except TypeError:  # a password for a key that has none
        key = serialization.load_pem_private_key(pem, None)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(plain)
