"""Credentials: what the station shows the central system, by security profile. OCPP 2.0.1 Part 2, A00.

Profile 1: Basic authentication over plain ws. 2: the same inside TLS. 3: TLS with the station's own certificate.
Secrets are read here and go nowhere but into the handshake.
"""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from urllib.parse import quote

from chargepoint.config.schema import CsmsSection
from chargepoint.model.unusable import Unusable
from chargepoint.ocpp.certificate_stock import key_name
from chargepoint.ocpp.target import Target
from chargepoint.security.secret_file import exposed


class CredentialsError(Unusable):
    """A file the security profile needs cannot be used; says which, where and what to do."""


def endpoint(csms: CsmsSection) -> str:
    """The URL with the identity as its last path element (Part 4, 3.1)."""
    return f"{csms.url.rstrip('/')}/{quote(csms.identity, safe='')}"


def check(csms: CsmsSection) -> None:
    """Raises CredentialsError where a file cannot be used; that none is missing, `config.check` has seen."""
    headers(csms)
    tls(csms)


def at_target(csms: CsmsSection, target: Target, secrets: Path) -> CsmsSection:
    """`csms` as this connection needs it: address and profile of the target, and the files that came over OCPP in `secrets`."""
    changed: dict[str, object] = {
        "url": target.url,
        "security_profile": target.security_profile,
        "call_timeout_s": target.timeout_s,
    }
    if not target.configured_roots:
        changed["ca_file"] = None
    if target.password_name is not None:
        changed["password_file"] = secrets / target.password_name
    if target.chain_name is not None:
        changed["certificate_file"] = secrets / target.chain_name
        changed["key_file"] = secrets / key_name(target.chain_name)
    return csms.model_copy(update=changed)


def mark(csms: CsmsSection) -> str:
    """Another text where somebody has changed the connection or the password in the configuration. It holds no secret."""
    changed_ns = 0
    if csms.password_file is not None and csms.password_file.exists():
        changed_ns = csms.password_file.stat().st_mtime_ns
    return f"{csms.url} {csms.identity} {csms.security_profile} {csms.password_file or '-'} {changed_ns}"


def headers(csms: CsmsSection) -> dict[str, str]:
    """The handshake's Authorization header; empty without a password (a bench on profile 1) and on profile 3."""
    if csms.password_file is None or csms.security_profile == 3:
        return {}
    password = _password(csms.password_file)
    token = base64.b64encode(f"{csms.identity}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {token}"}


def tls(csms: CsmsSection, roots: tuple[str, ...] = ()) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, the server's chain and name checked (A00.FR.306 to FR.318 as far as built); None on profile 1.

    Trusted are ca_file and `roots` (PEM); where there is neither, the roots of the operating system.
    """
    if csms.security_profile == 1:
        return None
    try:
        context = ssl.create_default_context(
            ssl.Purpose.SERVER_AUTH, cafile=csms.ca_file, cadata="\n".join(roots) or None
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a root may be signed by the one it replaces (M05.FR.10)
        if csms.security_profile == 3 and csms.certificate_file is not None:
            if csms.key_file is not None:
                _refuse_readable("key_file", csms.key_file)
            context.load_cert_chain(csms.certificate_file, csms.key_file)
    except (OSError, ssl.SSLError) as error:
        raise CredentialsError(f"[csms] ca_file, certificate_file or key_file: {error}") from error
    return context


def file_server_tls(csms: CsmsSection, roots: tuple[str, ...] = ()) -> ssl.SSLContext:
    """For servers of logs and firmware: the central system's roots (N01.FR.15) and the operating system's (N01.FR.16).

    Those of the central system are ca_file and `roots` (PEM).
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if csms.ca_file is not None or roots:
        context.load_verify_locations(cafile=csms.ca_file, cadata="\n".join(roots) or None)
    return context


def _password(path: Path) -> str:
    try:
        _refuse_readable("password_file", path)
        password = path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"[csms] password_file: {error}") from error
    if not 16 <= len(password) <= 40:  # A00.FR.205
        raise CredentialsError(f"[csms] password_file {path}: {len(password)} characters, must be 16 to 40")
    return password


def _refuse_readable(key: str, path: Path) -> None:
    """Raises CredentialsError where every user of this computer may read the file, OSError where there is none."""
    if (trouble := exposed(path)) is not None:
        raise CredentialsError(f"[csms] {key} {path}: {trouble}")
