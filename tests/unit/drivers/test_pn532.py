"""The PN532: golden frames, and the conversation with a simulated chip, with time as a number."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.token.pn532 import ACK, SLEEP_S, WAKE, FrameReader, Pn532Reader, Signal, framed
from hil.simulators.pn532 import Pn532Model, answer_frame


class Line:
    """Reader and chip; `sent` are the bytes of the reader."""

    def __init__(self) -> None:
        self.chip = Pn532Model()
        self.reader = Pn532Reader("r1")
        self.now_s = 100.0
        self.sent: list[bytes] = []
        self.pieces = 7
        self.reader.connected(self.now_s)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s and not until():
            frame = self.reader.to_send(self.now_s)
            if frame:
                self.sent.append(frame)
                answer = self.chip.receive(frame)
                for first in range(0, len(answer), self.pieces):  # a UART hands bytes out in pieces
                    self.now_s += 0.001
                    self.reader.receive(answer[first : first + self.pieces], self.now_s)
            self.now_s += 0.005

    def tokens(self) -> list[str]:
        return list(self.reader.tokens())


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        ("02", "0000FF02FED4022A00"),
        ("1401", "0000FF03FDD414011700"),
        ("4A0100", "0000FF04FCD44A0100E100"),
    ],
)
def test_golden_commands(command: str, frame: str) -> None:
    assert framed(bytes.fromhex(command)).hex().upper() == frame


def test_a_golden_answer_with_a_card() -> None:
    frame = bytes.fromhex("0000FF0CF4D54B0101000408 04 04A2B3C4 5E 00".replace(" ", ""))
    body = frame[5:-2]
    frame = frame[:-2] + bytes((-sum(body) & 0xFF, 0))
    assert list(FrameReader().feed(ACK + frame)) == [Signal.ACKNOWLEDGED, body[1:]]
    assert answer_frame(body[1:]) == frame


def test_it_is_woken_set_up_and_asked(line: Line) -> None:
    line.run(0.3)
    assert line.sent[0] == WAKE + framed(b"\x14\x01")
    assert line.sent[1:4] == [framed(b"\x02"), framed(bytes.fromhex("3205FF0102")), framed(bytes.fromhex("4A0100"))]
    assert line.reader.identity_error == "" and line.tokens() == []


@pytest.mark.parametrize("uid", ["04A2B3C4", "04A2B3C4D5E6F7", "04A2B3C4D5E6F7A8B9C0"])
def test_a_card_is_one_presentation_until_it_was_away(line: Line, uid: str) -> None:
    line.run(0.3)
    line.chip.card = bytes.fromhex(uid)
    line.run(5.0)
    assert line.tokens() == [uid]
    line.chip.card = b""
    line.run(2.5)
    line.chip.card = bytes.fromhex(uid)
    line.run(0.5)
    assert line.tokens() == [uid]


def test_a_uid_of_another_length_is_refused(line: Line) -> None:
    line.chip.card = bytes.fromhex("0102030405")
    line.run(1.0)
    assert line.tokens() == [] and line.reader.refused > 0


def test_damaged_frames_are_no_cards_and_the_chip_is_asked_again(line: Line) -> None:
    line.run(0.3)
    line.chip.card = bytes.fromhex("04A2B3C4")
    line.chip.faults.add("damaged")
    line.run(2.5)
    assert line.tokens() == [] and line.reader.damaged > 0
    line.chip.faults.clear()
    line.run(5.0)
    assert line.tokens() == ["04A2B3C4"]


def test_a_chip_that_lost_its_supply_is_woken_again(line: Line) -> None:
    line.run(0.3)
    line.chip.awake = False
    line.run(1.0)
    line.chip.card = bytes.fromhex("04A2B3C4")
    line.run(SLEEP_S + 1.0)
    assert line.tokens() == ["04A2B3C4"]
    assert sum(frame.startswith(WAKE) for frame in line.sent) == 2


def test_a_refusal_is_tried_again(line: Line) -> None:
    line.chip.faults.add("refuses_once")
    line.chip.card = bytes.fromhex("04A2B3C4")
    line.run(1.0)
    assert line.tokens() == ["04A2B3C4"]


def test_a_silent_line_is_asked_about_twice_a_second_at_most(line: Line) -> None:
    line.chip.faults.add("silent")
    line.run(10.0)
    assert 5 <= len(line.sent) <= 30 and line.reader.unanswered > 5


def test_another_chip_is_named(line: Line) -> None:
    line.chip.faults.add("another_chip")
    line.chip.card = bytes.fromhex("04A2B3C4")
    line.run(1.0)
    assert line.reader.identity_error == "r1: answers as chip 0x07: a PN532 is 0x32"
    assert line.tokens() == []


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_are_borne(pieces: list[bytes]) -> None:
    reader = Pn532Reader("r1")
    now_s = 0.0
    for piece in pieces:
        now_s += 0.1
        reader.to_send(now_s)
        reader.receive(piece, now_s)
    assert all(len(token) in (8, 14, 20) for token in reader.tokens())


@given(st.binary(min_size=1, max_size=60), st.integers(0, 200), st.binary(max_size=8))
def test_a_frame_with_one_wrong_byte_is_never_taken(body: bytes, place: int, noise: bytes) -> None:
    frame = answer_frame(body)
    at = 3 + place % (len(frame) - 4)  # length, its check, data or checksum
    spoilt = bytearray(frame)
    spoilt[at] ^= 0x10
    assert body not in list(FrameReader().feed(noise.replace(b"\xff", b"") + bytes(spoilt)))
