"""Why a TLS handshake with a car failed: a typed value, a sentence for the log, and the OCPP security event it is worth. No I/O.

asyncio closes such a connection silently. A context whose `sslobject_class` comes from here reports each failure.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class HandshakeFault(Enum):
    """Which thing made the handshake fail."""

    NO_CERTIFICATE = "no certificate"
    ROOT_UNKNOWN = "root unknown"
    CERTIFICATE = "certificate"
    """The car's chain is expired, not yet valid, forged, or not for this use."""
    VEHICLE = "vehicle certificate"
    """The car's chain is good, and is no vehicle chain of ISO 15118-20."""
    VERSION = "TLS version"
    CIPHER_SUITE = "cipher suite"
    SIGNATURE_ALGORITHM = "signature algorithm"
    GROUP = "key exchange group"
    PLAIN = "no TLS"
    REFUSED_BY_CAR = "refused by the car"
    """The car sent an alert: most often it does not trust the station's chain."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HandshakeFailure:
    """One failed handshake: what, and a sentence that ends with what to do where that is known."""

    fault: HandshakeFault
    sentence: str
    cause: str
    """The same for each repetition of this failure, and without words of the car: by it the log counts repetitions."""

    @property
    def security_event(self) -> str | None:
        """The type of an OCPP SecurityEventNotification, at most 50 characters; None where the failure is no matter of security.

        OCPP 2.0.1 appendix 1 names the first three for the central system's TLS. It names none for a car's certificate.
        """
        return _EVENTS.get(self.fault)


_EVENTS = {
    HandshakeFault.VERSION: "InvalidTLSVersion",
    HandshakeFault.CIPHER_SUITE: "InvalidTLSCipherSuite",
    HandshakeFault.REFUSED_BY_CAR: "InvalidChargingStationCertificate",
    HandshakeFault.ROOT_UNKNOWN: "InvalidVehicleCertificate",
    HandshakeFault.CERTIFICATE: "InvalidVehicleCertificate",
    HandshakeFault.VEHICLE: "InvalidVehicleCertificate",
}

_ROOT_UNKNOWN = (18, 19, 20, 21)
"""Of X509_verify_cert_error_string(3): self-signed leaf or root, issuer not found, first certificate not verified."""

_FAULTS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (HandshakeFault.NO_CERTIFICATE, "a car must show its certificate"),
    "UNSUPPORTED_PROTOCOL": (
        HandshakeFault.VERSION,
        "TLS 1.3, or TLS 1.2 for ISO 15118-2 where a secc_chain*.pem lies on secp256r1",
    ),
    "NO_SHARED_CIPHER": (HandshakeFault.CIPHER_SUITE, "the car must offer TLS_AES_256_GCM_SHA384"),
    "NO_SUITABLE_SIGNATURE_ALGORITHM": (
        HandshakeFault.SIGNATURE_ALGORITHM,
        "the car must offer that of a key in secc_chain*.pem",
    ),
    "NO_SUITABLE_KEY_SHARE": (HandshakeFault.GROUP, "the car must offer secp521r1 or x448"),
    "NO_SUITABLE_GROUPS": (HandshakeFault.GROUP, "the car must offer secp521r1 or x448"),
    "WRONG_VERSION_NUMBER": (HandshakeFault.PLAIN, "the car speaks plain TCP"),
    "HTTP_REQUEST": (HandshakeFault.PLAIN, "somebody speaks HTTP"),
    "TLSV1_ALERT_UNKNOWN_CA": (
        HandshakeFault.REFUSED_BY_CAR,
        "the car does not know the V2G root of secc_chain.pem",
    ),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": (HandshakeFault.REFUSED_BY_CAR, "renew secc_chain.pem, or check the clocks"),
    "TLSV1_ALERT_PROTOCOL_VERSION": (HandshakeFault.VERSION, "the car speaks no TLS 1.3"),
}
_CERTIFICATE_ALERTS = ("BAD_CERTIFICATE", "CERTIFICATE_", "UNSUPPORTED_CERTIFICATE", "UNKNOWN_CA", "DECRYPT_ERROR")


def failure_of(error: ssl.SSLError) -> HandshakeFailure:
    """What an exception of `do_handshake` means."""
    reason = error.reason or str(error)
    why = reason.lower().replace("_", " ")
    fault, remedy = _FAULTS.get(reason, (HandshakeFault.OTHER, ""))
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = HandshakeFault.CERTIFICATE
        why = f"{why}: {error.verify_message}"
        if error.verify_code in _ROOT_UNKNOWN:
            fault, remedy = HandshakeFault.ROOT_UNKNOWN, "the car's root belongs in v2g_roots or oem_roots"
    elif fault is HandshakeFault.OTHER and "_ALERT_" in reason and any(a in reason for a in _CERTIFICATE_ALERTS):
        fault, remedy = HandshakeFault.REFUSED_BY_CAR, "the car does not accept secc_chain.pem"
    return failure(fault, why, remedy, cause=f"{fault.value}: {why}")


def failure(fault: HandshakeFault, why: str, remedy: str = "", *, cause: str | None = None) -> HandshakeFailure:
    """A failure with its sentence for the log. `cause`: see `HandshakeFailure.cause`; None: the fault alone."""
    sentence = f"TLS handshake with a car failed: {why}" + (f"; {remedy}" if remedy else "")
    return HandshakeFailure(fault, sentence, cause or fault.value)


class SecurityEventBound:
    """Of each type of security event one is sent in a period, because each is stored until the central system has answered it."""

    def __init__(self, period_s: float = 60.0) -> None:
        self._period_s = period_s
        self._last_s: dict[str, float] = {}

    def admit(self, found: HandshakeFailure, now_s: float) -> str | None:
        """The type of the event to send now; None where none is due. `now_s`: a monotonic clock."""
        event = found.security_event
        if event is None or now_s - self._last_s.get(event, float("-inf")) < self._period_s:
            return None
        self._last_s[event] = now_s
        return event


def report_failures(
    context: ssl.SSLContext,
    report: Callable[[HandshakeFailure], None],
    judge: Callable[[ssl.SSLObject], HandshakeFailure | None] = lambda _: None,
) -> None:
    """From now on `report` is called with each failed handshake of this context.

    `judge` looks at a handshake that TLS itself has accepted. What `judge` returns makes the handshake fail.
    """

    class Reporting(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                report(failure_of(error))
                raise
            if (found := judge(self)) is not None:
                report(found)
                raise ssl.SSLError(1, found.sentence)

    context.sslobject_class = Reporting
