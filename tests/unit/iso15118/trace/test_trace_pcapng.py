"""The pcapng file, read by a second reader that is written here after the RFCs: blocks, options, checksums, sequence numbers."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

import pytest

from chargepoint.iso15118.trace import pcapng
from chargepoint.iso15118.trace.disclosure import disclose
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.trace.pcapng import Endpoint, PacketStream
from chargepoint.iso15118.v2gtp import PayloadType, frame

CAR = Endpoint(ipaddress.IPv6Address("fe80::1:2:3:4"), 50_001)
STATION = Endpoint(ipaddress.IPv6Address("fe80::aaaa"), 61_000)


@dataclass
class Packet:
    at_us: int
    data: bytes
    comment: str
    flags: int


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, length - 4) == (length,)
        found.append((kind, data[8 : length - 4]))
        data = data[length:]
    return found


def options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while True:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            assert (length, len(data)) == (0, 4)
            return found
        found[code] = data[4 : 4 + length]
        data = data[4 + length + (-length % 4) :]


def packet(body: bytes) -> Packet:
    interface, high, low, captured, original = struct.unpack_from("<IIIII", body)
    assert interface == 0
    assert captured == original
    padded = captured + (-captured % 4)
    found = options(body[20 + padded :])
    comment = found.get(1, b"").decode()
    return Packet((high << 32) | low, body[20 : 20 + captured], comment, struct.unpack("<I", found[2])[0])


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071, word by word with end-around carry."""
    total = 0
    for offset in range(0, len(data), 2):
        word = data[offset : offset + 2].ljust(2, b"\0")
        total += (word[0] << 8) | word[1]
        total = (total & 0xFFFF) + (total >> 16)
    return total


def body_of(data: bytes) -> tuple[ipaddress.IPv6Address, ipaddress.IPv6Address, int, bytes]:
    """Source, target, protocol and body of an IPv6 packet whose checksum is right."""
    first, length, protocol, hops = struct.unpack_from(">IHBB", data)
    assert first >> 28 == 6
    assert hops == 255
    body = data[40:]
    assert len(body) == length
    pseudo = data[8:40] + struct.pack(">IxxxB", length, protocol)
    assert ones_complement_sum(pseudo + body) == 0xFFFF
    return ipaddress.IPv6Address(data[8:24]), ipaddress.IPv6Address(data[24:40]), protocol, body


def written(frames: list[TracedFrame]) -> list[Packet]:
    stream = PacketStream(CAR, STATION)
    data = pcapng.head("evse1", "a test") + b"".join(stream.packets(f, disclose(f)) for f in frames)
    section, interface, *packets = blocks(data)
    assert section[0] == 0x0A0D0D0A
    assert struct.unpack_from("<IHH", section[1]) == (0x1A2B3C4D, 1, 0)
    assert options(section[1][16:])[1] == b"a test"
    assert interface[0] == 1
    assert struct.unpack_from("<H", interface[1]) == (229,)
    assert options(interface[1][8:]) == {2: b"evse1", 9: bytes([6])}
    assert {kind for kind, _ in packets} <= {6}
    return [packet(body) for _, body in packets]


def test_a_session_reads_back_byte_by_byte(session: list[TracedFrame]) -> None:
    packets = written(session)
    assert len(packets) == len(session)
    streams = {CAR: b"", STATION: b""}
    for traced, found in zip(session, packets, strict=True):
        assert found.at_us == round(traced.at_utc_s * 1e6)
        assert found.flags == (1 if traced.direction is WireDirection.FROM_CAR else 2)
        source, target, protocol, body = body_of(found.data)
        if traced.discovery:
            assert protocol == 17
            from_port, to_port, length = struct.unpack_from(">HHH", body)
            assert length == len(body)
            if traced.direction is WireDirection.FROM_CAR:
                assert (str(target), to_port, source, from_port) == ("ff02::1", 15118, CAR.address, CAR.port)
            else:
                assert (target, to_port, source, from_port) == (CAR.address, CAR.port, STATION.address, 15118)
            assert body[8:] == frame(traced.payload_type, traced.payload)
            continue
        assert protocol == 6
        ends = (CAR, STATION) if traced.direction is WireDirection.FROM_CAR else (STATION, CAR)
        assert (source, target) == (ends[0].address, ends[1].address)
        from_port, to_port, number, acknowledged, offset, flags = struct.unpack_from(">HHIIBB", body)
        assert (from_port, to_port, offset, flags) == (ends[0].port, ends[1].port, 0x50, 0x18)
        assert number == 1 + len(streams[ends[0]])
        assert acknowledged == 1 + len(streams[ends[1]])
        streams[ends[0]] += body[20:]
        assert type(traced.message).__name__ in found.comment
    sent = [f for f in session if f.direction is WireDirection.TO_CAR and not f.discovery]
    assert streams[STATION] == b"".join(frame(f.payload_type, f.payload) for f in sent)


def test_a_payload_that_is_left_out_keeps_its_length() -> None:
    secret = TracedFrame(1.0, WireDirection.TO_CAR, PayloadType.MAINSTREAM, b"\x01" * 3000)
    (found,) = written([secret])
    assert body_of(found.data)[3][28:] == bytes(3000)
    assert "3000 bytes left out" in found.comment


@pytest.mark.parametrize("length", [0, 1, 2, 511, 512])
def test_every_length_has_a_right_checksum(length: int) -> None:
    for fill in (0x00, 0xFF, 0x5A):
        (found,) = written([TracedFrame(1.0, WireDirection.TO_CAR, PayloadType.MAINSTREAM, bytes([fill]) * length)])
        body_of(found.data)


def test_a_long_message_is_several_segments_with_one_comment() -> None:
    packets = written([TracedFrame(1.0, WireDirection.TO_CAR, PayloadType.MAINSTREAM, bytes(60_000), None, "long")])
    bodies = [body_of(p.data)[3] for p in packets]
    assert sum(len(body) - 20 for body in bodies) == 60_008
    assert [struct.unpack_from(">I", body, 4)[0] for body in bodies] == [1, 16_385, 32_769, 49_153]
    assert [bool(p.comment) for p in packets] == [True, False, False, False]


def test_an_event_is_no_packet() -> None:
    assert written([TracedFrame(1.0, WireDirection.EVENT, 0, b"", None, "time-out")]) == []


def test_a_long_comment_is_cut() -> None:
    (found,) = written([TracedFrame(1.0, WireDirection.TO_CAR, PayloadType.MAINSTREAM, b"", None, "ü" * 20_000)])
    assert found.comment.endswith("… cut")
    assert len(found.comment.encode()) < 8_100
