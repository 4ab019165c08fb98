"""TLS contexts by use: which roots, which versions, who must show a certificate. Keys stay in files only we read.

What Python's `ssl` can and cannot do of ISO 15118-20 is in docs/tls.md.
"""

from __future__ import annotations

import _ssl
import os
import ssl
import stat
from pathlib import Path

from chargepoint.security.certificates import KeyKind
from chargepoint.security.station_leaves import StationLeaf, TrustError, configured_leaves, installed_leaves, of_iso20
from chargepoint.security.vehicle import wrong_vehicle

ACCEPTED_SUITES = frozenset({"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""ISO 15118-20 has no AES-128 (docs/sources/iso15118-20.md 8)."""

IGNORE_CRITICAL = 0x10
"""X509_V_FLAG_IGNORE_CRITICAL. OpenSSL 3.0 does not know the critical key identifiers of ISO 15118-20 Annex B."""

SEES_CHAINS = hasattr(ssl.SSLObject, "get_verified_chain") or hasattr(
    getattr(_ssl, "_SSLSocket", None), "get_verified_chain"
)
"""Whether this Python shows the whole chain of a peer: publicly from 3.13, before that inside `_ssl` (3.10 to 3.12)."""


def secc_context(directory: Path, installed: Path | None = None) -> ssl.SSLContext:
    """The station's side towards a car of ISO 15118-20: TLS 1.3 only, the car must show a certificate of a root we know.

    Reads v2g_roots/*.pem, oem_roots/*.pem and the station's own leaves: secc_chain.pem with secc.key, and one more for each
    secc_chain_NAME.pem with secc_NAME.key. The car's signature algorithms choose between a leaf on an elliptic curve and one on Ed448.
    `installed` is a second folder of that kind, with what came over OCPP: of two leaves for one kind of key the newest is shown (A02.FR.15).
    Sources: docs/sources/iso15118-20.md 8, docs/sources/iso15118.md 1 and 5. Raises TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _show_leaves(context, directory, installed)
    folders = (directory, *(() if installed is None else (installed,)))
    trust(context, tuple(folder / roots for folder in folders for roots in ("v2g_roots", "oem_roots")))
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # each connection proves the car's certificate anew, against today's roots
    return context


def _show_leaves(context: ssl.SSLContext, directory: Path, installed: Path | None) -> None:
    """At most one leaf on a curve and one on Ed448: the configured ones, or newer ones that were installed."""
    newest: dict[bool, StationLeaf] = {}
    for leaf in of_iso20(installed_leaves(installed)):
        place = leaf.leaf.key_kind is KeyKind.ED448
        if place not in newest or newest[place].leaf.valid_from_s < leaf.leaf.valid_from_s:
            newest[place] = leaf
    shown: dict[bool, StationLeaf] = {}
    for leaf in of_iso20(configured_leaves(directory, may_be_missing=bool(newest))):
        own(context, leaf.chain, leaf.key)
        place = leaf.leaf.key_kind is KeyKind.ED448
        if place in shown:
            raise TrustError(
                f"{leaf.chain} and {shown[place].chain}: two leaves of one kind; keep one on a curve and one on Ed448"
            )
        shown[place] = leaf
    for place, leaf in newest.items():
        if place not in shown or shown[place].leaf.valid_from_s <= leaf.leaf.valid_from_s:
            own(context, leaf.chain, leaf.key)  # takes the place of the configured one


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
    own(context, directory / f"{leaf}_chain{'_' + curve if curve else ''}.pem", directory / f"{name}.key")
    trust(context, (directory / "v2g_roots",))
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


def own(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    """Show this chain. Raises TrustError; also where the key is readable by others."""
    try:
        if stat.S_IMODE(key.stat().st_mode) & 0o077:
            raise TrustError(f"{key}: readable by others; chmod 600 it")
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise TrustError(f"{chain} with {key.name}: {error}") from error


def trust(context: ssl.SSLContext, folders: tuple[Path, ...]) -> None:
    """Trust every root in these folders. Raises TrustError where there is none."""
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
