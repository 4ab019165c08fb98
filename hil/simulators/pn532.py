"""A simulated RFID reader chip PN532 on a serial line: what it answers, and the line it answers on.

The frames are written down here anew from docs/sources/hardware.md 5. A chip that nobody woke is deaf. A card lies on the reader for
half a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from hil.simulators.wire_ends import PtyEnd, SocketEnd, WireEnd

CARD_S = 0.5
ACKNOWLEDGE = bytes((0, 0, 0xFF, 0, 0xFF, 0))
FAULTS = ("silent", "damaged", "another_chip", "refuses_once")


def answer_frame(body: bytes) -> bytes:
    """A frame of the chip; `body` begins with the answer's code."""
    whole = b"\xd5" + body
    return bytes((0, 0, 0xFF, len(whole), -len(whole) & 0xFF)) + whole + bytes((-sum(whole) & 0xFF, 0))


@dataclass(slots=True)
class Pn532Model:
    """Bytes in, bytes out. `card` is the UID of the card on the reader."""

    card: bytes = b""
    awake: bool = False
    faults: set[str] = field(default_factory=set)
    _buffer: bytes = b""

    def receive(self, data: bytes) -> bytes:
        """What the chip sends for these bytes."""
        self._buffer += data
        answers = b""
        while True:
            if not self.awake:
                woken = self._buffer.find(b"\x55\x55")
                if woken < 0:
                    self._buffer = self._buffer[-1:]
                    return answers
                self.awake, self._buffer = True, self._buffer[woken + 2 :]
            start = self._buffer.find(b"\x00\xff")
            if start < 0 or len(self._buffer) < start + 4:
                return answers
            length = self._buffer[start + 2]
            end = start + 4 + length + 1
            if len(self._buffer) < end:
                return answers
            body = self._buffer[start + 4 : end - 1]
            good = (sum(self._buffer[start + 4 : end]) & 0xFF) == 0 and (length + self._buffer[start + 3]) & 0xFF == 0
            self._buffer = self._buffer[end:]
            if good and body[:1] == b"\xd4":
                answers += self._answer(body[1:])

    def _answer(self, command: bytes) -> bytes:
        if "silent" in self.faults:
            return b""
        if "refuses_once" in self.faults:
            self.faults.discard("refuses_once")
            return bytes((0, 0, 0xFF, 0xFF, 0, 0))
        match command[0]:
            case 0x02:
                body = bytes((0x03, 0x07 if "another_chip" in self.faults else 0x32, 1, 6, 7))
            case 0x4A if self.card:
                body = bytes((0x4B, 1, 1, 0, 4, 8, len(self.card))) + self.card
            case 0x4A:
                body = bytes((0x4B, 0))
            case code:
                body = bytes((code + 1,))
        frame = answer_frame(body)
        if "damaged" in self.faults:
            frame = frame[:-2] + bytes((frame[-2] ^ 1, 0))
        return ACKNOWLEDGE + frame


class Pn532Wire:
    """The chip on a line at `port`. `present` lays a card on it for half a second."""

    def __init__(self, name: str, port: Path, *, virtual: bool = False, end: WireEnd | None = None) -> None:
        self.name = name
        self.port = port
        self.model = Pn532Model()
        self._end: WireEnd = end or (SocketEnd(port) if virtual else PtyEnd(port))
        self._loop = asyncio.get_running_loop()
        self._taken_away: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Make the wire."""
        self._end.listen(self._receive)

    def stop(self) -> None:
        """Remove it."""
        self._end.close()

    def present(self, token: str) -> None:
        """Somebody holds a card to the reader. Raises ValueError for a token that is no UID in hexadecimal."""
        self.model.card = bytes.fromhex(token)
        if self._taken_away is not None:
            self._taken_away.cancel()
        self._taken_away = self._loop.call_later(CARD_S, self._take_away)

    def _take_away(self) -> None:
        self.model.card = b""

    def _receive(self, data: bytes) -> None:
        answer = self.model.receive(data)
        if answer:
            self._end.write(answer)
