"""The RFID reader chip PN532 on a serial line: wake it, ask for cards, check every frame. Pure; fulfils TokenReader.

Frames: `00 00 FF LEN LCS TFI data DCS 00`, with LEN + LCS = 0 and TFI + data + DCS = 0 modulo 256; TFI is D4 to the chip and D5 from it.
The chip acknowledges each command with `00 00 FF 00 FF 00`, then answers. Source: docs/sources/hardware.md 5 (wake-up, frame, command
4A, UIDs of 4, 7 or 10 bytes). From the chip's manual as remembered, unverified: commands 02, 14 and 32, and the place of the UID.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from drivers.token.presentation import REPEAT_S, Presentations, uid_text

WAKE = b"\x55\x55" + bytes(14)
ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
ACK_S = 0.1
ANSWER_S = 1.0
PERIOD_S = 0.2
"""Between two questions for a card."""

SLEEP_S = 1.0
"""Before a chip that does not answer is woken again."""

TRIES = 3
_START = b"\x00\xff"
_LONGEST = 512
_CHIP = 0x32

_VERSION = bytes((0x02,))
_NORMAL_MODE = bytes((0x14, 0x01))
_FEW_RETRIES = bytes((0x32, 0x05, 0xFF, 0x01, 0x02))
_ONE_CARD_TYPE_A = bytes((0x4A, 0x01, 0x00))


def framed(data: bytes, frame_identifier: int = 0xD4) -> bytes:
    """The frame that carries this command and its parameters. Raises ValueError above 254 bytes."""
    body = bytes((frame_identifier,)) + data
    if len(body) > 0xFF:
        raise ValueError(f"{len(data)} bytes in a frame: at most 254")
    length = len(body)
    return bytes((0, 0, 0xFF, length, -length & 0xFF)) + body + bytes((-sum(body) & 0xFF, 0))


class Signal(Enum):
    """A frame without data."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


class FrameReader:
    """Bytes in, data of frames from the chip out. Damaged frames are counted and skipped."""

    def __init__(self) -> None:
        self.damaged = 0
        self._buffer = b""

    def clear(self) -> None:
        """Forget half a frame."""
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[bytes | Signal]:
        """Every whole frame: its data after the byte D5, or a signal."""
        self._buffer = (self._buffer + data)[-_LONGEST:]
        while (start := self._buffer.find(_START)) >= 0 and len(self._buffer) >= start + 4:
            length, check = self._buffer[start + 2], self._buffer[start + 3]
            if (length, check) in ((0x00, 0xFF), (0xFF, 0x00)):
                self._buffer = self._buffer[start + 4 :]
                yield Signal.ACKNOWLEDGED if length == 0 else Signal.REFUSED
                continue
            if (length + check) & 0xFF or length < 2:
                self._skip(start)
                continue
            end = start + 4 + length
            if len(self._buffer) <= end:
                return
            body, checksum = self._buffer[start + 4 : end], self._buffer[end]
            if (sum(body) + checksum) & 0xFF or body[0] != 0xD5:
                self._skip(start)
                continue
            self._buffer = self._buffer[end + 1 :]
            yield body[1:]

    def _skip(self, start: int) -> None:
        self.damaged += 1
        self._buffer = self._buffer[start + 2 :]


@dataclass(frozen=True, slots=True)
class _Step:
    """A command on its way to a card."""

    command: bytes
    wake: bool = False


_BEGINNING = (_Step(_NORMAL_MODE, wake=True), _Step(_VERSION), _Step(_FEW_RETRIES))


class Pn532Reader:
    """Give it bytes with `receive`, send what `to_send` returns, call it at `deadline_s`; `tokens` gives what was presented."""

    def __init__(self, name: str, repeat_s: float = REPEAT_S) -> None:
        self.name = name
        self.answers = self.unanswered = self.refused = 0
        self._frames = FrameReader()
        self._presentations = Presentations(repeat_s)
        self._identity_error = ""
        self._place = 0
        """How many steps of the beginning are done."""
        self._tries = 0
        self._due_s = 0.0
        self._waiting_until_s: float | None = None
        self._acknowledged = False
        self._command = b""

    @property
    def damaged(self) -> int:
        """Frames with a wrong checksum or length."""
        return self._frames.damaged

    @property
    def identity_error(self) -> str:
        """Why the chip is not taken for a PN532; empty if it is one, or has not answered yet."""
        return self._identity_error

    def poll(self, now_s: float) -> None:
        """Nothing to queue: the bus asks for what is due."""

    def tokens(self) -> Iterator[str]:
        """Cards presented since the last call."""
        return self._presentations.take()

    def connected(self, now_s: float) -> None:
        """The line is there (again): the chip is woken at once."""
        self._begin(now_s)

    @property
    def deadline_s(self) -> float:
        """When `to_send` must be called even if nothing arrives."""
        return self._due_s if self._waiting_until_s is None else self._waiting_until_s

    def to_send(self, now_s: float) -> bytes:
        """What is to be sent now; perhaps nothing."""
        if self._waiting_until_s is not None:
            if now_s < self._waiting_until_s:
                return b""
            self._give_up_waiting(now_s)
        if now_s < self._due_s:
            return b""
        step = _BEGINNING[self._place] if self._place < len(_BEGINNING) else _Step(_ONE_CARD_TYPE_A)
        self._command, self._acknowledged = step.command, False
        self._waiting_until_s = now_s + ACK_S
        self._frames.clear()
        return (WAKE if step.wake else b"") + framed(step.command)

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the chip."""
        for frame in self._frames.feed(data):
            if self._waiting_until_s is None:
                self.refused += 1  # nobody waits for it
            elif frame is Signal.ACKNOWLEDGED:
                self._acknowledged = True
                self._waiting_until_s = now_s + ANSWER_S
            elif frame is Signal.REFUSED:
                self._waiting_until_s = now_s
            elif self._acknowledged and frame and frame[0] == self._command[0] + 1:
                self._take(frame[1:], now_s)
            else:
                self.refused += 1

    def _take(self, answer: bytes, now_s: float) -> None:
        self.answers += 1
        self._waiting_until_s, self._tries = None, 0
        if self._command == _VERSION:
            chip = answer[0] if answer else 0
            if chip != _CHIP:
                self._identity_error = f"{self.name}: answers as chip {chip:#04x}: a PN532 is {_CHIP:#04x}"
                self._due_s = now_s + SLEEP_S
                return
            self._identity_error = ""
        if self._place < len(_BEGINNING):
            self._place += 1
            self._due_s = now_s
            return
        self._due_s = now_s + PERIOD_S
        uid = _uid(answer)
        if uid is None:
            return
        token = uid_text(uid)
        if token is None:
            self.refused += 1
        else:
            self._presentations.see(token, now_s)

    def _give_up_waiting(self, now_s: float) -> None:
        self.unanswered += 1
        self._tries += 1
        self._waiting_until_s = None
        if self._tries >= TRIES:
            self._begin(now_s + SLEEP_S)

    def _begin(self, at_s: float) -> None:
        self._place = self._tries = 0
        self._due_s, self._waiting_until_s = at_s, None
        self._frames.clear()


def _uid(answer: bytes) -> bytes | None:
    """The UID in an answer to 4A: number of cards, card, SENS_RES (2), SEL_RES, length, UID. None: no card; empty: a wrong length."""
    if not answer or answer[0] == 0:
        return None
    length = answer[5] if len(answer) > 5 else 0
    uid = answer[6 : 6 + length]
    return uid if len(uid) == length else b""
