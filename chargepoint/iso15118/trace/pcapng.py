"""The trace as pcapng, for Wireshark: IPv6 packets with TCP for messages and UDP for SDP, decoded messages as comments.

The packets are made anew from the frames: without TLS, without handshake and retransmissions, with right checksums, lengths
and sequence numbers. A payload that is left out is replaced by zeros of the same length.
Sources: draft-ietf-opsawg-pcapng (blocks and options), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 1071 (checksum).
"""

from __future__ import annotations

import ipaddress
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from chargepoint.iso15118.sdp import MULTICAST_GROUP
from chargepoint.iso15118.sdp import PORT as SDP_PORT
from chargepoint.iso15118.trace.disclosure import Disclosed
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection, type_name
from chargepoint.iso15118.v2gtp import PayloadType
from chargepoint.iso15118.v2gtp import frame as v2gtp_frame

LINKTYPE_IPV6 = 229
SEGMENT_MAX_BYTES = 16_384
COMMENT_MAX_BYTES = 8_000
"""Of one packet; a longer message is cut, and stands whole in the JSON lines."""

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_END, _COMMENT, _APPLICATION, _INTERFACE_NAME, _FLAGS, _RESOLUTION = 0, 1, 4, 2, 2, 9
_INBOUND, _OUTBOUND = 1, 2
_TCP, _UDP = 6, 17
_PUSH_ACK = 0x18
_HOP_LIMIT = 255
_WINDOW = 65_535

Option = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of the connection."""

    address: ipaddress.IPv6Address
    port: int


UNKNOWN_CAR = Endpoint(ipaddress.IPv6Address("fe80::ca"), 49_152)
UNKNOWN_STATION = Endpoint(ipaddress.IPv6Address("fe80::5ecc"), 49_153)
"""For a trace that was not given the addresses."""


def head(interface: str, comment: str) -> bytes:
    """The begin of a file: one section and one interface."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    section += _options([(_COMMENT, comment.encode()), (_APPLICATION, b"chargepoint")])
    described = struct.pack("<HHI", LINKTYPE_IPV6, 0, 0)
    described += _options([(_INTERFACE_NAME, interface.encode()), (_RESOLUTION, bytes([6]))])
    return _block(_SECTION, section) + _block(_INTERFACE, described)


class PacketStream:
    """The packets of one connection. Keeps both sequence numbers; the first byte of each side is number 1."""

    def __init__(self, car: Endpoint = UNKNOWN_CAR, station: Endpoint = UNKNOWN_STATION) -> None:
        self._ends = {WireDirection.FROM_CAR: car, WireDirection.TO_CAR: station}
        self._next = {WireDirection.FROM_CAR: 1, WireDirection.TO_CAR: 1}

    def packets(self, frame: TracedFrame, disclosed: Disclosed) -> bytes:
        """The blocks of one frame; an event has none."""
        if frame.direction is WireDirection.EVENT:
            return b""
        payload = bytes(disclosed.length) if disclosed.payload is None else disclosed.payload
        data = v2gtp_frame(frame.payload_type, payload)
        comment = _comment(frame, disclosed)
        if frame.discovery:
            return _packet(frame, self._datagram(frame, data), comment)
        result = b""
        for offset in range(0, len(data), SEGMENT_MAX_BYTES):
            segment = self._segment(frame.direction, data[offset : offset + SEGMENT_MAX_BYTES])
            result += _packet(frame, segment, comment if offset == 0 else "")
        return result

    def _segment(self, direction: WireDirection, data: bytes) -> bytes:
        back = WireDirection.TO_CAR if direction is WireDirection.FROM_CAR else WireDirection.FROM_CAR
        source, target = self._ends[direction], self._ends[back]
        header = struct.pack(
            ">HHIIBBHHH",
            source.port, target.port, self._next[direction], self._next[back], 5 << 4, _PUSH_ACK, _WINDOW, 0, 0,
        )  # fmt: skip
        self._next[direction] = (self._next[direction] + len(data)) & 0xFFFFFFFF
        return _ipv6(source.address, target.address, _TCP, header + data, checksum_at=16)

    def _datagram(self, frame: TracedFrame, data: bytes) -> bytes:
        car, station = self._ends[WireDirection.FROM_CAR], self._ends[WireDirection.TO_CAR]
        source, target = Endpoint(station.address, SDP_PORT), car
        if frame.payload_type == PayloadType.SDP_REQUEST:
            source, target = car, Endpoint(ipaddress.IPv6Address(MULTICAST_GROUP), SDP_PORT)
        header = struct.pack(">HHHH", source.port, target.port, 8 + len(data), 0)
        return _ipv6(source.address, target.address, _UDP, header + data, checksum_at=6)


def _comment(frame: TracedFrame, disclosed: Disclosed) -> str:
    parts = [type_name(frame.payload_type), frame.note, disclosed.reason]
    if disclosed.message is not None:
        parts.append(json.dumps(disclosed.message, ensure_ascii=False))
    return "\n".join(part for part in parts if part)


def _ipv6(
    source: ipaddress.IPv6Address, target: ipaddress.IPv6Address, protocol: int, body: bytes, checksum_at: int
) -> bytes:
    pseudo = source.packed + target.packed + struct.pack(">II", len(body), protocol)
    checksum = _checksum(pseudo + body) or 0xFFFF  # RFC 768: zero means that there is none
    body = body[:checksum_at] + struct.pack(">H", checksum) + body[checksum_at + 2 :]
    return struct.pack(">IHBB", 6 << 28, len(body), protocol, _HOP_LIMIT) + source.packed + target.packed + body


def _checksum(data: bytes) -> int:
    """The Internet checksum; the number modulo 65535 is the ones' complement sum of its 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    total = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - total


def _packet(frame: TracedFrame, data: bytes, comment: str) -> bytes:
    at_us = round(frame.at_utc_s * 1e6)
    body = struct.pack("<IIIII", 0, at_us >> 32, at_us & 0xFFFFFFFF, len(data), len(data)) + _padded(data)
    way = _INBOUND if frame.direction is WireDirection.FROM_CAR else _OUTBOUND
    options: list[Option] = [(_FLAGS, struct.pack("<I", way))]
    if comment:
        options.insert(0, (_COMMENT, _cut(comment)))
    return _block(_PACKET, body + _options(options))


def _cut(comment: str) -> bytes:
    whole = comment.encode()
    if len(whole) <= COMMENT_MAX_BYTES:
        return whole
    return whole[:COMMENT_MAX_BYTES].decode("utf-8", "ignore").encode() + " … cut".encode()


def _options(options: Sequence[Option]) -> bytes:
    written = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    return written + struct.pack("<HH", _END, 0)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length
