"""The bench's end of a serial line: a pty or a socket that the bench makes at the configured port, or a serial device at a real cable."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import serial


class WireEnd(Protocol):
    """There from `listen` to `close`; both may be called again."""

    @property
    def plugged(self) -> bool:
        """The driver can open it."""

    def listen(self, on_bytes: Callable[[bytes], None]) -> None:
        """Be there, and hand on what the driver writes. Raises FileExistsError where something else is at the port."""

    def write(self, data: bytes) -> None:
        """Send; a wire that is gone or full swallows it."""

    def close(self) -> None:
        """Hang up and be gone."""


class SocketEnd:
    """A Unix stream socket at `port`. One driver at a time: a second connection takes the place of the first."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self._listener: socket.socket | None = None
        self._driver: socket.socket | None = None
        self._on_bytes: Callable[[bytes], None] = lambda data: None

    @property
    def plugged(self) -> bool:
        """The driver can open it."""
        return self._listener is not None

    def listen(self, on_bytes: Callable[[bytes], None]) -> None:
        """Be there, and hand on what the driver writes. Raises FileExistsError where something else is at the port."""
        if self.port.exists() and not self.port.is_socket():
            raise FileExistsError(f"{self.port} exists and is not a socket of ours")
        self.port.parent.mkdir(parents=True, exist_ok=True)
        self.port.unlink(missing_ok=True)
        self._on_bytes = on_bytes
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._listener.bind(str(self.port))
        self._listener.listen()
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def write(self, data: bytes) -> None:
        """Send; a wire that is gone or full swallows it."""
        if self._driver is not None:
            with contextlib.suppress(OSError):
                self._driver.send(data, socket.MSG_NOSIGNAL)

    def close(self) -> None:
        """Hang up and be gone."""
        self._hang_up()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            self.port.unlink(missing_ok=True)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            driver, _ = self._listener.accept()
            self._hang_up()
            driver.setblocking(False)
            self._driver = driver
            asyncio.get_running_loop().add_reader(driver, self._read)

    def _read(self) -> None:
        assert self._driver is not None
        try:
            data = self._driver.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_bytes(data)
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._driver is not None:
            asyncio.get_running_loop().remove_reader(self._driver)
            self._driver.close()
            self._driver = None


class PtyEnd:
    """The driver's end of a wire: a pty whose slave is linked at `port`; both sides are held open here."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self.master = -1
        self._slave = -1
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def plugged(self) -> bool:
        """The driver can open it."""
        return self.master >= 0

    def listen(self, on_bytes: Callable[[bytes], None]) -> None:
        """`open`, and hand on what the driver writes."""
        self.open()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.master, self._read, on_bytes)

    def _read(self, on_bytes: Callable[[bytes], None]) -> None:
        try:
            data = os.read(self.master, 4096)
        except OSError:
            return
        if data:
            on_bytes(data)

    def open(self) -> None:
        """Raises FileExistsError when something other than a link is at the port."""
        if self.port.exists() and not self.port.is_symlink():
            raise FileExistsError(f"{self.port} exists and is not a link of ours")
        self.port.parent.mkdir(parents=True, exist_ok=True)
        self.master, self._slave = raw_pty()
        fresh = self.port.with_name(f".{self.port.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.port)

    def write(self, data: bytes) -> None:
        """Send; a wire that is gone or full swallows it."""
        if self.master >= 0:
            with contextlib.suppress(OSError):
                os.write(self.master, data)

    def close(self) -> None:
        """Hang up and take the link away."""
        if self.master < 0:
            return
        if self._loop is not None:
            self._loop.remove_reader(self.master)
        with contextlib.suppress(OSError):
            if self.port.is_symlink() and os.readlink(self.port) == os.ttyname(self._slave):
                self.port.unlink()
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1


class SerialEnd:
    """A serial device of this computer, with a cable to the controller's. The bench is the device at the other end."""

    def __init__(self, device: str, baud: int, format: str) -> None:
        """`format`: as in the configuration, like 8E1."""
        self.device = device
        self._baud = baud
        self._format = format
        self._serial: serial.Serial | None = None

    @property
    def plugged(self) -> bool:
        """The cable is served."""
        return self._serial is not None

    def listen(self, on_bytes: Callable[[bytes], None]) -> None:
        """Be there, and hand on what the driver writes. Raises OSError where the device cannot be opened."""
        bits, parity, stop = int(self._format[0]), self._format[1], int(self._format[2])
        try:
            self._serial = serial.Serial(
                self.device, self._baud, bits, parity, stop, timeout=0, write_timeout=0, exclusive=True
            )
        except (serial.SerialException, termios.error, ValueError) as error:
            raise OSError(f"{self.device}: {error}") from error
        asyncio.get_running_loop().add_reader(self._serial.fileno(), self._read, on_bytes)

    def _read(self, on_bytes: Callable[[bytes], None]) -> None:
        assert self._serial is not None
        try:
            data = self._serial.read(4096)
        except (serial.SerialException, OSError):
            self.close()  # the adapter is gone
            return
        if data:
            on_bytes(data)

    def write(self, data: bytes) -> None:
        """Send; a wire that is gone or full swallows it."""
        if self._serial is not None:
            with contextlib.suppress(serial.SerialException, OSError):
                self._serial.write(data)

    def close(self) -> None:
        """Let the device go."""
        if self._serial is not None:
            with contextlib.suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._serial.fileno())
            self._serial.close()
            self._serial = None


def raw_pty() -> tuple[int, int]:
    """(master, slave), raw and non-blocking on the master side."""
    master, slave = os.openpty()
    tty.setraw(slave)
    tty.setraw(master)
    os.set_blocking(master, False)
    return master, slave
