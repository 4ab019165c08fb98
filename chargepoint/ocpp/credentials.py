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


class CredentialsError(Unusable):
    """A file the security profile needs cannot be used; says which, where and what to do."""


def endpoint(csms: CsmsSection) -> str:
    """The URL with the identity as its last path element (Part 4, 3.1)."""
    return f"{csms.url.rstrip('/')}/{quote(csms.identity, safe='')}"


def check(csms: CsmsSection) -> None:
    """Raises CredentialsError where a file cannot be used; that none is missing, `config.check` has seen."""
    headers(csms)
    tls(csms)


def headers(csms: CsmsSection) -> dict[str, str]:
    """The handshake's Authorization header; empty without a password (a bench on profile 1) and on profile 3."""
    if csms.password_file is None or csms.security_profile == 3:
        return {}
    password = _password(csms.password_file)
    token = base64.b64encode(f"{csms.identity}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {token}"}


def tls(csms: CsmsSection) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, the server's chain and name checked (A00.FR.306 to FR.318 as far as built); None on profile 1."""
    if csms.security_profile == 1:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=csms.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if csms.security_profile == 3 and csms.certificate_file is not None:
            context.load_cert_chain(csms.certificate_file, csms.key_file)
    except (OSError, ssl.SSLError) as error:
        raise CredentialsError(f"[csms] ca_file, certificate_file or key_file: {error}") from error
    return context


def file_server_tls(csms: CsmsSection) -> ssl.SSLContext:
    """For servers of logs and firmware: the central system's roots (N01.FR.15) and the operating system's (N01.FR.16)."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if csms.ca_file is not None:
        context.load_verify_locations(cafile=csms.ca_file)
    return context


def _password(path: Path) -> str:
    try:
        password = path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"[csms] password_file: {error}") from error
    if not 16 <= len(password) <= 40:  # A00.FR.205
        raise CredentialsError(f"[csms] password_file {path}: {len(password)} characters, must be 16 to 40")
    return password
