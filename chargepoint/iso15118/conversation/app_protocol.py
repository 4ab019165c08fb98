"""SupportedAppProtocol: which protocol is spoken on this connection.

Source: ISO 15118-2 8.2 (rank by the car's priority, 1 best; minor versions may differ), docs/sources/iso15118.md 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from chargepoint.iso15118.conversation.protocol import CarProtocol
from chargepoint.iso15118.messages.app_protocol import ResponseCode, supportedAppProtocolReq, supportedAppProtocolRes


def negotiate(
    request: supportedAppProtocolReq, spoken: Sequence[CarProtocol]
) -> tuple[supportedAppProtocolRes, CarProtocol | None]:
    """The car's best-ranked protocol that this outlet speaks in the same major version."""
    for offered in sorted(request.AppProtocol, key=lambda p: p.Priority):
        for protocol in spoken:
            major, minor = protocol.version
            if offered.ProtocolNamespace != protocol.namespace or offered.VersionNumberMajor != major:
                continue
            code = ResponseCode.OK_SuccessfulNegotiation
            if offered.VersionNumberMinor != minor:
                code = ResponseCode.OK_SuccessfulNegotiationWithMinorDeviation
            return supportedAppProtocolRes(ResponseCode=code, SchemaID=offered.SchemaID), protocol
    return supportedAppProtocolRes(ResponseCode=ResponseCode.Failed_NoNegotiation), None
