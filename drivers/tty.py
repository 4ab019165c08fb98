"""A serial line as a raw, non-blocking descriptor: open, read what is there, write, notice that it is gone.

pyserial is used for opening and for termios only (exclusive lock, speed, parity, RS-485 mode where the UART has it);
reading and writing are ours (docs/sources/hardware.md 6.1, 6.3).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import termios
from typing import Protocol

import serial

REOPEN_S = 1.0
_CHUNK = 4096
_TIOCSRS485 = 0x542F
_RS485 = struct.pack("8I", 0b11, *[0] * 7)
"""struct serial_rs485 of linux/serial.h: enabled, RTS on while sending, no delays."""


_REMEDIES = {
    errno.ENOENT: "no such device; see that the adapter is plugged in, and the port of the bus",
    errno.EACCES: "permission denied; the user of this process must be in the port's group (dialout)",
    errno.EAGAIN: "somebody else has it open; end that programme",  # the lock is taken
    errno.EBUSY: "somebody else has it open; end that programme",
}


def _let_reads_say_empty(fd: int) -> None:
    """VMIN = 1: a read of an empty line is refused. With VMIN = 0, as pyserial leaves it, empty looks like hung up."""
    attributes = termios.tcgetattr(fd)
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _why(error: Exception) -> str:
    """pyserial says the same thing three times over; an errno we know is said once, with what to do."""
    number = error.errno if isinstance(error, OSError) else None
    return _REMEDIES.get(number, str(error)) if number is not None else str(error)


class Gone(Exception):
    """The adapter is unplugged or was never there; the text says what the system said."""


def read_there(fd: int, port: str) -> bytes:
    """All bytes that are there, perhaps none. `fd` does not block. Raises Gone."""
    data = b""
    while True:
        try:
            chunk = os.read(fd, _CHUNK)
        except BlockingIOError:
            return data
        except OSError as error:
            raise Gone(f"{port}: {error.strerror}") from error
        if not chunk:
            raise Gone(f"{port}: hung up")
        data += chunk
        if len(chunk) < _CHUNK or len(data) >= 4 * _CHUNK:
            return data


def write_whole(fd: int, port: str, data: bytes) -> None:
    """Write all of it at once, or raise Gone. `fd` does not block."""
    try:
        taken = os.write(fd, data)
    except BlockingIOError:
        taken = 0
    except OSError as error:
        raise Gone(f"{port}: {error.strerror}") from error
    if taken < len(data):
        raise Gone(f"{port}: takes no bytes")


class Line(Protocol):
    """One open line: a serial port, or what stands for one. Every method raises Gone when it is lost, and nothing else."""

    pseudo: bool
    """It hands whole frames over at once: no byte takes time."""
    fd: int

    def read(self) -> bytes:
        """All bytes that are there, perhaps none."""

    def write(self, data: bytes) -> None:
        """Send a frame at once, or lose the line."""

    def drop_output(self) -> None:
        """Discard what was written and is not on the wire yet; never raises."""

    def close(self) -> None:
        """Give the descriptor back; never raises."""


class Tty:
    """One open line. Every method raises Gone when the adapter is lost, and nothing else."""

    def __init__(self, port: str, baud: int, format: str, rs485: bool = True) -> None:
        # a pty has no parity and refuses to be asked for it twice
        self.pseudo = os.path.realpath(port).startswith("/dev/pts/")
        parity = "N" if self.pseudo else format[1]
        try:
            self._serial = serial.Serial(
                port=port,
                baudrate=baud,
                bytesize=int(format[0]),
                parity=parity,
                stopbits=int(format[2]),
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            raise Gone(f"{port}: {_why(error)}") from error
        with contextlib.suppress(termios.error):  # a line that is gone already is noticed by the first read
            _let_reads_say_empty(self._serial.fileno())
        if rs485:
            # not every UART (and no pty) knows the ioctl: then the adapter switches direction by itself
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._serial.fileno(), _TIOCSRS485, _RS485)
        self.port = port
        self.fd: int = self._serial.fileno()

    def read(self) -> bytes:
        """All bytes that are there, perhaps none."""
        return read_there(self.fd, self.port)

    def write(self, data: bytes) -> None:
        """Send a frame at once. A line that does not take it whole counts as gone: its buffer holds several frames."""
        write_whole(self.fd, self.port, data)

    def drop_output(self) -> None:
        """Discard what was written and is not on the wire yet; never raises."""
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self.fd, termios.TCOFLUSH)

    def close(self) -> None:
        """Give the descriptor back; never raises. Half a frame that the line did not take is discarded, not sent later."""
        self.drop_output()
        with contextlib.suppress(OSError, serial.SerialException):
            self._serial.close()
