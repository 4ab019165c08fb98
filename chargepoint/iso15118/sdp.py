"""SDP, the SECC Discovery Protocol: a car asks by multicast where the station is, and whether to use TLS. Pure.

Source: ISO 15118-2 7.10.1 as in docs/sources/iso15118.md 1 (payload `10 00`: no TLS over TCP, `00 00`: TLS over TCP).
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum

from chargepoint.config.car_section import TlsPolicy
from chargepoint.iso15118.v2gtp import FrameReceived, PayloadType, frame, parse_datagram

PORT = 15118
MULTICAST_GROUP = "ff02::1"

_RESPONSE = struct.Struct(">16sHBB")


class Security(IntEnum):
    """SDP security byte."""

    TLS = 0x00
    NONE = 0x10


class Transport(IntEnum):
    """SDP transport byte; UDP is reserved."""

    TCP = 0x00


@dataclass(frozen=True, slots=True)
class SdpRequest:
    """What the car would like."""

    security: Security


@dataclass(frozen=True, slots=True)
class SdpResponse:
    """Where to connect, and how."""

    address: ipaddress.IPv6Address
    port: int
    security: Security


def parse_request(datagram: bytes) -> SdpRequest | None:
    """The request, or None for anything else (silence is the answer to noise)."""
    event = parse_datagram(datagram)
    if not isinstance(event, FrameReceived) or event.payload_type != PayloadType.SDP_REQUEST:
        return None
    if len(event.payload) != 2 or event.payload[1] != Transport.TCP:
        return None
    try:
        return SdpRequest(Security(event.payload[0]))
    except ValueError:
        return None


def request(security: Security) -> bytes:
    """A request's bytes."""
    return frame(PayloadType.SDP_REQUEST, bytes((security, Transport.TCP)))


def response(answer: SdpResponse) -> bytes:
    """A response's bytes."""
    body = _RESPONSE.pack(answer.address.packed, answer.port, answer.security, Transport.TCP)
    return frame(PayloadType.SDP_RESPONSE, body)


def parse_response(datagram: bytes) -> SdpResponse | None:
    """The response, or None for anything else."""
    event = parse_datagram(datagram)
    if not isinstance(event, FrameReceived) or event.payload_type != PayloadType.SDP_RESPONSE:
        return None
    if len(event.payload) != _RESPONSE.size:
        return None
    address, port, security, transport = _RESPONSE.unpack(event.payload)
    if transport != Transport.TCP or security not in (Security.TLS, Security.NONE):
        return None
    return SdpResponse(ipaddress.IPv6Address(address), port, Security(security))


def choose(wish: SdpRequest, policy: TlsPolicy, *, tls_possible: bool) -> Security | None:
    """What is offered to this wish; None: no answer, the station has nothing that policy and keys allow.

    REQUIRED answers TLS whatever the car wished (ISO 15118-20 knows nothing else); OPTIONAL follows the car.
    """
    match policy:
        case TlsPolicy.OFF:
            return Security.NONE
        case TlsPolicy.REQUIRED:
            return Security.TLS if tls_possible else None
        case TlsPolicy.OPTIONAL:
            return Security.TLS if wish.security is Security.TLS and tls_possible else Security.NONE
