"""V2GTP framing: eight bytes of header, then a payload whose type names the grammar. A core: bytes in, events out.

Source: ISO 15118-2 7.8.3 and -20 7.8.3 as in docs/sources/iso15118.md 8 («V2GTP payload types»).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct(">BBHI")
PROTOCOL_VERSION = 0x01
PAYLOAD_MAX_BYTES = 64 * 1024
"""The largest message seen is 4 KiB (CertificateInstallationRes); more than this is not a car."""


class PayloadType(IntEnum):
    """What the payload is."""

    EXI_SAP = 0x8001
    """SupportedAppProtocol; also every -2 and DIN message."""
    MAINSTREAM = 0x8002
    AC_MAINSTREAM = 0x8003
    DC_MAINSTREAM = 0x8004
    ACDP_MAINSTREAM = 0x8005
    WPT_MAINSTREAM = 0x8006
    SCHEDULE_RENEGOTIATION = 0x8101
    METERING_CONFIRMATION = 0x8102
    ACDP_STATUS = 0x8103
    PARKING_STATUS = 0x8104
    SDP_REQUEST = 0x9000
    SDP_RESPONSE = 0x9001


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A whole frame; the type is as on the wire, known or not."""

    payload_type: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class FramingFailed:
    """The stream cannot be understood any more; close it. Says what, and the bound."""

    reason: str


FramingEvent = FrameReceived | FramingFailed


def frame(payload_type: int, payload: bytes) -> bytes:
    """Header and payload as they go on the wire."""
    return HEADER.pack(PROTOCOL_VERSION, PROTOCOL_VERSION ^ 0xFF, payload_type, len(payload)) + payload


def parse_datagram(data: bytes) -> FramingEvent:
    """One frame that must fill the datagram exactly."""
    events = Framing().receive(data)
    if not events:
        return FramingFailed(f"datagram of {len(data)} bytes ends inside its frame")
    first = events[0]
    if isinstance(first, FrameReceived) and len(data) != HEADER.size + len(first.payload):
        return FramingFailed(f"datagram of {len(data)} bytes holds a frame of {HEADER.size + len(first.payload)}")
    return first


class Framing:
    """Cuts a byte stream into frames. After a failure it stays failed: nothing behind it can be trusted."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._failed = False

    def receive(self, data: bytes) -> list[FramingEvent]:
        """What these bytes complete, in order. Never raises."""
        events: list[FramingEvent] = []
        if self._failed:
            return events
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            version, inverse, payload_type, length = HEADER.unpack_from(self._buffer)
            if version != PROTOCOL_VERSION or inverse != PROTOCOL_VERSION ^ 0xFF:
                return [*events, self._fail(f"V2GTP version bytes {version:02x} {inverse:02x}: 01 fe")]
            if length > PAYLOAD_MAX_BYTES:
                return [*events, self._fail(f"V2GTP payload of {length} bytes: at most {PAYLOAD_MAX_BYTES}")]
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            events.append(FrameReceived(payload_type, bytes(self._buffer[HEADER.size : end])))
            del self._buffer[:end]
        return events

    def _fail(self, reason: str) -> FramingFailed:
        self._failed = True
        self._buffer.clear()
        return FramingFailed(reason)
