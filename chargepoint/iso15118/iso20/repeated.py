"""Whether a request repeats the one before: a car that waits for an answer may change the time stamp alone (V2G20-1582)."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import AuthorizationReq, CertificateInstallationReq


def repeats(
    request: AuthorizationReq | CertificateInstallationReq, before: AuthorizationReq | CertificateInstallationReq
) -> bool:
    """True where the two differ in nothing but the header's time stamp."""
    header = replace(request.Header, TimeStamp=before.Header.TimeStamp)
    return replace(request, Header=header) == before
