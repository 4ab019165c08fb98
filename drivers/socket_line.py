"""A serial line that is a Unix stream socket: for benches without serial ports, in containers and in virtual time.

The same bytes go over it as over a serial port. Speed, parity and the direction of RS-485 mean nothing to it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat

from drivers.tty import Gone, Line, Tty, read_there, write_whole

_REMEDIES = {
    errno.ECONNREFUSED: "nobody listens; start the simulator that made this socket",
    errno.EACCES: "permission denied; the user of this process must be allowed to use the socket",
}


def open_line(port: str, baud: int, format: str, rs485: bool = True) -> Line:
    """The line at this port: a socket where the port is one, else a serial port. Raises Gone."""
    return SocketLine(port) if _is_socket(port) else Tty(port, baud, format, rs485)


class SocketLine:
    """One connection. Every method raises Gone when the other end is lost, and nothing else."""

    pseudo = False
    """The other end gives each byte its time on the wire, if it wants any."""

    def __init__(self, port: str) -> None:
        self.port = port
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(port)
        except OSError as error:
            self._socket.close()
            raise Gone(f"{port}: {_REMEDIES.get(error.errno or 0, error.strerror)}") from error
        self.fd: int = self._socket.fileno()

    def read(self) -> bytes:
        """All bytes that are there, perhaps none."""
        return read_there(self.fd, self.port)

    def write(self, data: bytes) -> None:
        """Send a frame at once. A line that does not take it whole counts as gone."""
        write_whole(self.fd, self.port, data)

    def drop_output(self) -> None:
        """What was written is at the other end already."""

    def close(self) -> None:
        """Give the descriptor back; never raises."""
        with contextlib.suppress(OSError):
            self._socket.close()


def _is_socket(port: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(port).st_mode)
    except OSError:
        return False
