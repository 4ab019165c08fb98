"""Framing in any chunking, and what is refused."""

from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.v2gtp import PAYLOAD_MAX_BYTES, FrameReceived, Framing, FramingFailed, frame, parse_datagram


@given(
    st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=200)), max_size=5),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_frames_come_out_whole_in_any_chunking(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    wire = b"".join(frame(kind, payload) for kind, payload in frames)
    framing, seen, position, turn = Framing(), [], 0, 0
    while position < len(wire):
        step = cuts[turn % len(cuts)]
        seen += framing.receive(wire[position : position + step])
        position, turn = position + step, turn + 1
    assert seen == [FrameReceived(kind, payload) for kind, payload in frames]


@given(st.binary(max_size=100))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    framing = Framing()
    framing.receive(data)
    parse_datagram(data)


def test_wrong_version_fails_for_good() -> None:
    framing = Framing()
    (event,) = framing.receive(b"\x02\xfd\x80\x01\x00\x00\x00\x00")
    assert isinstance(event, FramingFailed)
    assert "01 fe" in event.reason
    assert framing.receive(frame(0x8001, b"x")) == []


def test_a_length_beyond_the_cap_is_refused_before_it_is_stored() -> None:
    header = b"\x01\xfe\x80\x01" + (PAYLOAD_MAX_BYTES + 1).to_bytes(4, "big")
    (event,) = Framing().receive(header)
    assert isinstance(event, FramingFailed)
