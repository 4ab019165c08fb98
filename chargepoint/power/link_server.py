"""The power process's end of the link: a Unix SEQPACKET socket, polled by the cycle, never waited on."""

from __future__ import annotations

import errno
import os
import select
import socket
from pathlib import Path

from chargepoint.power.link_codec import MESSAGE_MAX_BYTES, DownMessage, LinkError, UpMessage, decode_down, encode_up

MESSAGES_AT_ONCE = 64
"""Read in one call at most: a daemon that floods must not hold up the cycle."""


class LinkServer:
    """One daemon at a time; a second connection replaces the first (a restarted daemon must not be locked out)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._listener.bind(str(path))
        os.chmod(path, 0o660)
        self._listener.listen(2)
        self._peer: socket.socket | None = None
        self._lost = False
        self._filenos: tuple[int, ...] = (self._listener.fileno(),)
        self.errors: list[str] = []

    def filenos(self) -> tuple[int, ...]:
        """Descriptors to poll."""
        return self._filenos

    @property
    def connected(self) -> bool:
        """A daemon is there."""
        return self._peer is not None

    @property
    def lost(self) -> bool:
        """A daemon went away and `receive` has not said so yet."""
        return self._lost

    def receive(self) -> tuple[list[DownMessage], bool]:
        """Messages since the last call, and whether the daemon went away after them. Malformed ones land in `errors`."""
        messages: list[DownMessage] = []
        if select.select((self._listener,), (), (), 0)[0]:
            self._accept()
        if self._lost:  # also when a new one is there already: its messages come with the next call
            self._lost = False
            return messages, True
        while self._peer is not None and len(messages) + len(self.errors) < MESSAGES_AT_ONCE:
            try:
                data = self._peer.recv(MESSAGE_MAX_BYTES + 1)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._drop()
                self._lost = False
                return messages, True
            try:
                messages.append(decode_down(data))
            except LinkError as error:
                self.errors.append(str(error))
        return messages, False

    def send(self, message: UpMessage) -> None:
        """Send the message to the daemon, if the daemon is there and reads. Never waits."""
        if self._peer is None:
            return
        try:
            self._peer.send(encode_up(message))
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                self._drop()

    def close(self) -> None:
        """Close both sockets and remove the path."""
        self._drop()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        self._drop()
        peer.setblocking(False)
        self._peer = peer
        self._filenos = (self._listener.fileno(), peer.fileno())

    def _drop(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer, self._lost = None, True
            self._filenos = (self._listener.fileno(),)
