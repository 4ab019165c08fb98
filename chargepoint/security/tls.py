"""TLS contexts by use: which roots, which versions, who must show a certificate. Keys stay in files only we read."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from chargepoint.model.unusable import Unusable


class TrustError(Unusable):
    """A key, certificate or trust store that cannot be used: says which file and why."""


def secc_context(directory: Path) -> ssl.SSLContext:
    """The station's side towards a car: TLS 1.3 only, the car must show a certificate of a root we know.

    Reads secc_chain.pem, secc.key, v2g_roots/*.pem and oem_roots/*.pem. Source: ISO 15118-20 7.7.3 as in
    docs/sources/iso15118.md 1 and 5 (TLS 1.3, mutual). Raises TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _own(context, directory / "secc_chain.pem", directory / "secc.key")
    _trust(context, (directory / "v2g_roots", directory / "oem_roots"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


_ROOT_UNKNOWN = (18, 19, 20, 21)
"""Of X509_verify_cert_error_string(3): self-signed leaf or root, issuer not found, first certificate not verified."""

_REMEDIES = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "a car must show its certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the car does not know the V2G root of secc_chain.pem",
    "UNSUPPORTED_PROTOCOL": "TLS 1.3 only",
    "WRONG_VERSION_NUMBER": "the car speaks plain TCP",
}


def report_failures(context: ssl.SSLContext, report: Callable[[str], None]) -> None:
    """From now on `report` is called with a sentence for each failed handshake. asyncio alone closes such a connection silently."""

    class Reporting(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                reason = error.reason or str(error)
                why, remedy = reason.lower().replace("_", " "), _REMEDIES.get(reason)
                if isinstance(error, ssl.SSLCertVerificationError):
                    why = f"{why}: {error.verify_message}"
                    if error.verify_code in _ROOT_UNKNOWN:
                        remedy = "the car's root belongs in v2g_roots or oem_roots"
                report(f"TLS handshake with a car failed: {why}" + (f"; {remedy}" if remedy else ""))
                raise

    context.sslobject_class = Reporting


def evcc_context(directory: Path) -> ssl.SSLContext:
    """A car's side (bench): shows vehicle_chain.pem, trusts v2g_roots, no host name (there is none on the wire)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    _own(context, directory / "vehicle_chain.pem", directory / "vehicle.key")
    _trust(context, (directory / "v2g_roots",))
    return context


def refuse_leaf(der: bytes, *, allow_p256: bool) -> str | None:
    """Why a car's certificate is refused although its chain is good; None if it is accepted.

    ISO 15118-20 wants secp521r1 or Ed448; secp256r1 only on a bench that says so.
    """
    key = x509.load_der_x509_certificate(der).public_key()
    if isinstance(key, ed448.Ed448PublicKey):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name == "secp521r1" or (allow_p256 and key.curve.name == "secp256r1"):
            return None
        return f"certificate key on {key.curve.name}: secp521r1 or Ed448 ([iso15118] allow_p256 for a bench)"
    return f"certificate key of {type(key).__name__}: secp521r1 or Ed448"


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
