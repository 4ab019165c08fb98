"""The station's side of TLS towards a car of ISO 15118-2: TLS 1.2, the station alone shows a certificate, one chain per V2G root.

Source: docs/sources/iso15118-2-din.md 4. Of its two suites OpenSSL 3 has ECDHE alone. OCSP answers (RFC 6961) cannot be stapled.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_pem
from chargepoint.security.chain import root_of
from chargepoint.security.client_hello import NamedBy, NamedRoot
from chargepoint.security.station_leaves import StationLeaf, TrustError, configured_leaves, installed_leaves, of_iso2
from chargepoint.security.tls import own

SUITE = "ECDHE-ECDSA-AES128-SHA256"


@dataclass(frozen=True, slots=True)
class Iso2Identity:
    """One chain that the station can show, and the V2G root that it leads to; None: the root is in no folder of ours."""

    context: ssl.SSLContext
    root: CertificateFacts | None


def iso2_identities(directory: Path, installed: Path | None = None) -> tuple[Iso2Identity, ...]:
    """For each root the newest leaf on secp256r1; the first configured chain first. Empty: ISO 15118-2 gets no TLS here.

    Reads the same folders as `secc_context`. Raises TrustError.
    """
    roots = tuple(_roots((directory, *(() if installed is None else (installed,)))))
    newest: dict[bytes, tuple[StationLeaf, CertificateFacts | None]] = {}
    for leaf in of_iso2((*_configured(directory), *installed_leaves(installed))):
        root = root_of(leaf.top, roots)
        key = b"" if root is None else root.der
        if key not in newest or newest[key][0].leaf.valid_from_s <= leaf.leaf.valid_from_s:
            newest[key] = (leaf, root)
    return tuple(Iso2Identity(_context(leaf), root) for leaf, root in newest.values())


def identity_for(named: Iterable[NamedRoot], identities: Sequence[Iso2Identity]) -> Iso2Identity:
    """A chain to a root that the car named; the first one where it named none of ours (V2G2-871, V2G2-923)."""
    wanted = set(named)
    for identity in identities:
        if identity.root is not None and wanted & names_of(identity.root):
            return identity
    return identities[0]


def names_of(root: CertificateFacts) -> set[NamedRoot]:
    """Every name by which trusted_ca_keys may mean this root."""
    names = {
        NamedRoot(NamedBy.DISTINGUISHED_NAME, root.certificate.subject.public_bytes()),
        NamedRoot(NamedBy.CERTIFICATE_SHA1, hashlib.sha1(root.der, usedforsecurity=False).digest()),
    }
    key = root.public_key
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        names.add(NamedRoot(NamedBy.KEY_SHA1, hashlib.sha1(point, usedforsecurity=False).digest()))
    return names


def _context(leaf: StationLeaf) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITE)
    context.set_ecdh_curve("prime256v1")
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    own(context, leaf.chain, leaf.key)
    return context


def _configured(directory: Path) -> list[StationLeaf]:
    try:
        return configured_leaves(directory, may_be_missing=True)
    except TrustError:
        return []  # `secc_context` reads the same files, and says what is wrong with them


def _roots(folders: Iterable[Path]) -> Iterable[CertificateFacts]:
    for folder in folders:
        for file in sorted((folder / "v2g_roots").glob("*.pem")):
            try:
                yield from read_pem(file.read_bytes())
            except (OSError, CertificateUnreadable) as error:
                raise TrustError(f"{file}: {error}") from error
