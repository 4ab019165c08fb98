"""What a failed attempt to connect is worth as a security event. Pure. Names: OCPP 2.0.1 appendices, security events."""

from __future__ import annotations

import ssl

from websockets.exceptions import InvalidStatus

_VERSION = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "WRONG_SSL_VERSION")
_CIPHERS = ("HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "NO_CIPHERS", "INSUFFICIENT_SECURITY", "WRONG_CIPHER")
_OUR_CERTIFICATE = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
"""In an alert of the central system: it does not take the station's certificate."""


def security_event(error: BaseException) -> str:
    """The event's name; empty for what says nothing about security (nobody answers, the network is gone)."""
    match error:
        case ssl.SSLCertVerificationError():  # A00.FR.310, FR.413
            return "InvalidCsmsCertificate"
        case ssl.SSLError():
            reason = error.reason or ""
            if any(part in reason for part in _VERSION):  # A00.FR.316, FR.419
                return "InvalidTLSVersion"
            if any(part in reason for part in _CIPHERS):  # A00.FR.319, FR.422
                return "InvalidTLSCipherSuite"
            if "ALERT" in reason and any(part in reason for part in _OUR_CERTIFICATE):
                return "FailedToAuthenticateAtCsms"
            return "CsmsFailedToAuthenticate"
        case InvalidStatus() if error.response.status_code in (401, 403):
            return "FailedToAuthenticateAtCsms"
        case _:
            return ""
