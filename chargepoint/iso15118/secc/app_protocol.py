"""SupportedAppProtocol: which protocol is spoken on this connection. The place where other car protocols join.

Source: ISO 15118-2 8.2 (rank by the car's priority, 1 best; minor versions may differ), docs/sources/iso15118.md 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.iso15118.exi.codec import NS_DC
from chargepoint.iso15118.messages.app_protocol import ResponseCode, supportedAppProtocolReq, supportedAppProtocolRes


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol the station speaks."""

    name: str
    namespace: str
    major: int
    minor: int


ISO15118_20_DC = Protocol("ISO 15118-20 DC", NS_DC, 1, 0)

SPOKEN: tuple[Protocol, ...] = (ISO15118_20_DC,)
"""ISO 15118-2, DIN 70121 and -20 AC join here, each with its own engine."""


def negotiate(
    request: supportedAppProtocolReq, spoken: tuple[Protocol, ...] = SPOKEN
) -> tuple[supportedAppProtocolRes, Protocol | None]:
    """The car's best-ranked protocol that the station speaks in the same major version."""
    for offered in sorted(request.AppProtocol, key=lambda p: p.Priority):
        for protocol in spoken:
            if offered.ProtocolNamespace != protocol.namespace or offered.VersionNumberMajor != protocol.major:
                continue
            code = ResponseCode.OK_SuccessfulNegotiation
            if offered.VersionNumberMinor != protocol.minor:
                code = ResponseCode.OK_SuccessfulNegotiationWithMinorDeviation
            return supportedAppProtocolRes(ResponseCode=code, SchemaID=offered.SchemaID), protocol
    return supportedAppProtocolRes(ResponseCode=ResponseCode.Failed_NoNegotiation), None
