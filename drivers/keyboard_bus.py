"""A card reader that types: a keyboard of Linux's input layer (evdev) as lines of text. Fulfils chargepoint.ports.Bus.

The keyboard is taken for us alone (EVIOCGRAB), so that a card does not type into a console. Events are `struct input_event` of
linux/input.h; key numbers are those of linux/input-event-codes.h. Digits and letters count, Enter ends a line, all other keys are
passed over. Source: docs/sources/hardware.md 5 (readers that type).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections import deque
from collections.abc import Callable, Iterator

from chargepoint.model.image import BusHealth
from chargepoint.ports import BusSpec

REOPEN_S = 1.0
LONGEST = 64
"""Characters of a line; a longer one is dropped."""

_EVENT = struct.Struct("@llHHi")
_EVENTS_PER_READ = 64
_SYN, _KEY = 0, 1
_SYN_DROPPED = 3
_PRESSED = 1
_GRAB = 0x4004_4590
"""EVIOCGRAB."""

_ENTER = {28, 96}
_ROWS = {2: "1234567890", 16: "QWERTYUIOP", 30: "ASDFGHJKL", 44: "ZXCVBNM", 71: "789", 75: "456", 79: "1230"}
_KEYS = {first + place: character for first, row in _ROWS.items() for place, character in enumerate(row)}
_REMEDIES = {
    errno.ENOENT: "no such device; see /dev/input/by-id, and the port of the bus",
    errno.EACCES: "permission denied; the user of this process must be in the group input",
    errno.EBUSY: "somebody else has taken it; end that programme",
    errno.ENOTTY: "this is no input device; name one of /dev/input/by-id",
}


class TypedLines:
    """Key events to lines. Pure."""

    def __init__(self) -> None:
        self.dropped = 0
        self._line = ""
        self._spoilt = False

    def feed(self, kind: int, code: int, value: int) -> Iterator[bytes]:
        """One event; a line when Enter ends it."""
        if kind == _SYN and code == _SYN_DROPPED:  # the kernel lost events: what is there is not whole
            self._spoilt = True
        if kind != _KEY or value != _PRESSED:
            return
        if code in _ENTER:
            line, spoilt = self._line, self._spoilt
            self._line, self._spoilt = "", False
            if spoilt:
                self.dropped += 1
            elif line:
                yield line.encode()
        elif code in _KEYS:
            self._line += _KEYS[code]
            if len(self._line) > LONGEST:
                self._line, self._spoilt = "", True


def _grab(fd: int) -> None:
    fcntl.ioctl(fd, _GRAB, 1)


class KeyboardBus:
    """Opens in the first `pump`; reopens a lost reader every second. Errors are never exceptions."""

    def __init__(self, spec: BusSpec, grab: Callable[[int], None] = _grab) -> None:
        self.name = spec.name
        self.lines: deque[bytes] = deque(maxlen=64)
        self._port = spec.port
        self._grab = grab
        self._typed = TypedLines()
        self._fd: int | None = None
        self._rest = b""
        self._open_at_s = -1e9
        self._ok = 0
        self._dropped = 0
        self._last_error = ""

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while the reader is unplugged."""
        return self._fd

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Read what was typed; reopen a lost reader when its time has come. Always True: what came was not looked at."""
        self._move(now_s)
        return True

    def _move(self, now_s: float) -> None:
        try:
            if self._fd is None:
                if now_s < self._open_at_s:
                    return
                self._open()
            self._read()
        except OSError as error:
            self._lose(error, now_s)

    def _open(self) -> None:
        fd = os.open(self._port, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._grab(fd)
        except OSError:
            os.close(fd)
            raise
        self._fd = fd
        self._dropped += self._typed.dropped
        self._typed, self._rest = TypedLines(), b""

    def _read(self) -> None:
        assert self._fd is not None
        try:
            data = self._rest + os.read(self._fd, _EVENTS_PER_READ * _EVENT.size)
        except BlockingIOError:
            return
        whole = len(data) - len(data) % _EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in _EVENT.iter_unpack(data[:whole]):
            for line in self._typed.feed(kind, code, value):
                self._ok += 1
                self.lines.append(line)

    @property
    def patience_s(self) -> float:
        """None: what is due here is due now."""
        return 0.0

    def drop_queued(self, now_s: float) -> None:
        """Nothing is ever sent here."""

    @property
    def deadline_s(self) -> float | None:
        """When to try to reopen; None while the reader is there."""
        return self._open_at_s if self._fd is None else None

    def health(self) -> BusHealth:
        """Lines count as ok, lines that were not whole as mismatches."""
        return BusHealth(
            name=self.name,
            ok=self._ok,
            timeouts=0,
            crc_errors=0,
            mismatches=self._dropped + self._typed.dropped,
            late=0,
            connected=self._fd is not None,
            trouble="" if self._fd is not None else self._last_error,
        )

    def close(self) -> None:
        """Give the descriptor back."""
        self._let_go()
        self._open_at_s = float("inf")

    def _let_go(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None

    def _lose(self, error: OSError, now_s: float) -> None:
        self._let_go()
        why = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        self._last_error = f"{self._port}: {why}"
        self._open_at_s = now_s + REOPEN_S
