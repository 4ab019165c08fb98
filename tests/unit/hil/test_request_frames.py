"""Requests cut out of the bytes of a real line."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from hil.simulators.modbus_frames import sealed
from hil.simulators.request_frames import LONGEST, SILENCE_S, RequestFrames

READ = sealed(bytes((1, 3)) + struct.pack(">HH", 100, 4))
WRITE = sealed(bytes((11, 16)) + struct.pack(">HHB", 500, 2, 4) + b"\x01\x02\x03\x04")
BOTH = sealed(bytes((11, 23)) + struct.pack(">HHHHB", 505, 2, 500, 1, 2) + b"\x7f\xff")
OTHER = sealed(bytes((3, 0x2B, 0x0E, 1, 0)))

frames = st.lists(st.sampled_from((READ, WRITE, BOTH)), min_size=1, max_size=4)


@given(frames, st.data())
def test_pieces_of_any_size_make_the_same_requests(sent: list[bytes], data: st.DataObject) -> None:
    line, whole, found, now_s = RequestFrames(), b"".join(sent), [], 0.0
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        found += line.feed(whole[:size], now_s)
        whole, now_s = whole[size:], now_s + SILENCE_S / 2
    assert found == sent


@given(st.binary(min_size=1, max_size=40))
def test_a_request_after_noise_and_silence_is_found(noise: bytes) -> None:
    line = RequestFrames()
    line.feed(noise, 0.0)
    assert line.feed(READ, 2 * SILENCE_S) == [READ]


def test_half_a_request_is_forgotten_after_a_silence() -> None:
    line = RequestFrames()
    assert line.feed(READ[:5], 0.0) == []
    assert line.feed(READ[5:], 2 * SILENCE_S) == []
    assert line.feed(WRITE, 4 * SILENCE_S) == [WRITE]


def test_a_function_without_a_known_length_ends_at_its_check_sum() -> None:
    assert RequestFrames().feed(OTHER, 0.0) == [OTHER]


@given(st.binary(max_size=5000))
def test_endless_noise_is_not_kept(noise: bytes) -> None:
    line = RequestFrames()
    for start in range(0, len(noise), 7):
        line.feed(noise[start : start + 7], start * 1e-6)
    assert len(line._buffer) <= LONGEST
