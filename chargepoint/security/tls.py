"""TLS contexts by use: which roots, which versions, who must show a certificate. Keys stay in files only we read.

What Python's `ssl` can and cannot do of ISO 15118-20 is in docs/tls.md.
"""

from __future__ import annotations

import _ssl
import os
import ssl
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from chargepoint.model.unusable import Unusable
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, KeyKind, read_pem
from chargepoint.security.vehicle import wrong_vehicle

ACCEPTED_SUITES = frozenset({"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""ISO 15118-20 has no AES-128 (docs/sources/iso15118-20.md 8)."""

IGNORE_CRITICAL = 0x10
"""X509_V_FLAG_IGNORE_CRITICAL. OpenSSL 3.0 does not know the critical key identifiers of ISO 15118-20 Annex B."""

SEES_CHAINS = hasattr(ssl.SSLObject, "get_verified_chain") or hasattr(
    getattr(_ssl, "_SSLSocket", None), "get_verified_chain"
)
"""Whether this Python shows the whole chain of a peer: publicly from 3.13, before that inside `_ssl` (3.10 to 3.12)."""


class TrustError(Unusable):
    """A key, certificate or trust store that cannot be used: says which file and why."""


def secc_context(directory: Path, installed: Path | None = None) -> ssl.SSLContext:
    """The station's side towards a car: TLS 1.3 only, the car must show a certificate of a root we know.

    Reads v2g_roots/*.pem, oem_roots/*.pem and the station's own leaves: secc_chain.pem with secc.key, and one more for each
    secc_chain_NAME.pem with secc_NAME.key. The car's signature algorithms choose between a leaf on an elliptic curve and one on Ed448.
    `installed` is a second folder of that kind, with what came over OCPP: of two leaves for one kind of key the newest is shown (A02.FR.15).
    Sources: docs/sources/iso15118-20.md 8, docs/sources/iso15118.md 1 and 5. Raises TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    installed_leaves = _installed_leaves(installed)
    configured: dict[bool, Path] = {}
    for chain, key in own_leaves(directory):
        if installed_leaves and not chain.exists():
            continue
        _own(context, chain, key)
        leaf = _leaf(chain)
        place = leaf.key_kind is KeyKind.ED448
        if place in configured:
            raise TrustError(
                f"{chain} and {configured[place]}: two leaves of one kind; keep one on a curve and one on Ed448"
            )
        configured[place] = chain
        if place in installed_leaves and installed_leaves[place].leaf.valid_from_s < leaf.valid_from_s:
            del installed_leaves[place]
    for newer in installed_leaves.values():
        _own(context, newer.chain, newer.key)  # takes the place of the configured one
    folders = (directory, *(() if installed is None else (installed,)))
    _trust(context, tuple(folder / roots for folder in folders for roots in ("v2g_roots", "oem_roots")))
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # each connection proves the car's certificate anew, against today's roots
    return context


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A leaf of the station, with its files."""

    leaf: CertificateFacts
    chain: Path
    key: Path


def _installed_leaves(directory: Path | None) -> dict[bool, _Leaf]:
    """The newest valid leaf for each place (Ed448 or not). A leaf that cannot be used is left out: the configured one serves."""
    found: dict[bool, _Leaf] = {}
    for chain, key in [] if directory is None else own_leaves(directory):
        try:
            leaf = _leaf(chain)
        except TrustError:
            continue
        place = leaf.key_kind is KeyKind.ED448
        valid = key.exists() and leaf.valid_from_s <= time.time() <= leaf.valid_until_s
        if valid and (place not in found or found[place].leaf.valid_from_s < leaf.valid_from_s):
            found[place] = _Leaf(leaf, chain, key)
    return found


def own_leaves(directory: Path) -> list[tuple[Path, Path]]:
    """Chain and key of each of the station's leaves. secc_chain.pem stands first, and is named even where it is missing."""
    first = directory / "secc_chain.pem"
    further = sorted(directory.glob("secc_chain_*.pem"))
    return [
        (chain, chain.with_name(chain.stem.replace("secc_chain", "secc", 1) + ".key")) for chain in (first, *further)
    ]


def accept_annex_b(context: ssl.SSLContext) -> None:
    """From now on OpenSSL passes critical extensions that it does not know. The caller then judges them by `wrong_vehicle`.

    Without effect where Python does not show the whole chain of a peer, because nobody could judge it then.
    """
    if SEES_CHAINS:
        context.verify_flags |= IGNORE_CRITICAL


def log_session_keys(context: ssl.SSLContext, file: Path) -> None:
    """Bench: every session's secrets are appended to `file` (mode 0600), with which Wireshark reads the session. Raises TrustError."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise TrustError(f"{file}: readable by others; chmod 600 it, or remove it")
        context.keylog_filename = str(file)
    except OSError as error:
        raise TrustError(
            f"{file}: {error.strerror}; [iso15118] tls_key_log_file needs a file that can be written"
        ) from error


def evcc_context(directory: Path, name: str = "vehicle") -> ssl.SSLContext:
    """A car's side (bench): trusts v2g_roots, checks no host name (there is none on the wire).

    It shows NAME_chain.pem, or NAME_chain_ed448.pem for the name `vehicle_ed448`. Raises TrustError.
    """
    leaf, _, curve = name.partition("_")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    _own(context, directory / f"{leaf}_chain{'_' + curve if curve else ''}.pem", directory / f"{name}.key")
    _trust(context, (directory / "v2g_roots",))
    return context


def peer_chain(session: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates (DER) by which the peer was verified: leaf first, root last. The leaf alone where Python shows no more."""
    if hasattr(session, "get_verified_chain"):  # Python 3.13 and newer
        return tuple(session.get_verified_chain())
    inner = getattr(session, "_sslobj", None)
    if inner is not None and hasattr(inner, "get_verified_chain"):
        found = tuple(bytes(c.public_bytes(_ssl.ENCODING_DER)) for c in inner.get_verified_chain() or ())
        if found:
            return found
    leaf = session.getpeercert(binary_form=True)
    return () if leaf is None else (leaf,)


def refuse_leaf(der: bytes, *, allow_p256: bool) -> str | None:
    """Why a car's leaf is refused although its chain is good; None if it is accepted. For callers that know the leaf alone."""
    finding = wrong_vehicle([der], allow_p256=allow_p256)
    return None if finding is None else finding.text


def _leaf(chain: Path) -> CertificateFacts:
    try:
        return read_pem(chain.read_bytes())[0]
    except (OSError, CertificateUnreadable) as error:
        raise TrustError(f"{chain}: {error}") from error


def _own(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    try:
        if stat.S_IMODE(key.stat().st_mode) & 0o077:
            raise TrustError(f"{key}: readable by others; chmod 600 it")
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise TrustError(f"{chain} with {key.name}: {error}") from error


def _trust(context: ssl.SSLContext, folders: tuple[Path, ...]) -> None:
    loaded = 0
    for folder in folders:
        for file in sorted(folder.glob("*.pem")):
            try:
                context.load_verify_locations(file)
            except (OSError, ssl.SSLError) as error:
                raise TrustError(f"{file}: {error}") from error
            loaded += 1
    if not loaded:
        raise TrustError(f"no root certificate in {' or '.join(map(str, folders))}: put *.pem there")
