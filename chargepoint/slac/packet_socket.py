"""A packet socket for SLAC frames on one network interface (Linux AF_PACKET). Needs the right CAP_NET_RAW."""

from __future__ import annotations

import errno
import os
import socket

from chargepoint.slac.frames import ETHERTYPE, FRAME_BYTES_MAX, MAC_BYTES

_TO_US = (socket.PACKET_HOST, socket.PACKET_BROADCAST, socket.PACKET_MULTICAST)
"""Kinds of frames to this computer or to everybody; another kind is what this computer sent itself."""

FRAMES_AT_ONCE = 64
"""Read in one turn of the loop; the rest waits for the next turn."""


class PacketSocket:
    """An open socket. `mac`: this computer's address on the interface."""

    def __init__(self, interface: str, *, for_others: bool = False) -> None:
        """`for_others`: frames to other addresses are read, too, as a modem reads them.

        Raises OSError that says what is missing, and what to do.
        """
        self.interface = interface
        self._kinds = (*_TO_US, socket.PACKET_OTHERHOST) if for_others else _TO_US
        try:
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, 0
            )  # no frame before the interface is chosen
        except PermissionError:
            text = "the right CAP_NET_RAW is missing: use the drop-in systemd/drop-ins/slac.conf, or start this as root"
            raise PermissionError(errno.EPERM, text) from None
        try:
            self._socket.bind((interface, ETHERTYPE))
            self._socket.setblocking(False)
            if problem := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(problem, f"interface {interface}: {os.strerror(problem)}")
        except OSError as error:
            self._socket.close()
            if error.errno == errno.ENODEV:
                raise OSError(errno.ENODEV, f"there is no interface {interface}") from None
            raise
        self.mac: bytes = self._socket.getsockname()[4]
        if len(self.mac) != MAC_BYTES:
            self._socket.close()
            raise OSError(errno.EINVAL, f"{interface} is no Ethernet interface")

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def receive(self) -> list[bytes]:
        """The frames that wait now, each cut above the greatest size. Raises OSError where the interface is gone or down."""
        frames: list[bytes] = []
        for _ in range(FRAMES_AT_ONCE):
            try:
                data, address = self._socket.recvfrom(FRAME_BYTES_MAX + 1)
            except (BlockingIOError, InterruptedError):
                break
            if address[2] in self._kinds:
                frames.append(data)
        return frames

    def send(self, data: bytes) -> None:
        """Raises OSError where the interface is gone or down."""
        self._socket.send(data)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
