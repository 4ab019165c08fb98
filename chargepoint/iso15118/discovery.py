"""The UDP side of discovery: one socket per car interface, answering SDP. What is answered is the server's word."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable
from typing import cast

from chargepoint.iso15118 import sdp


class Discovery(asyncio.DatagramProtocol):
    """Hands datagrams of one interface to `answer` and sends back what it gives; None is silence."""

    def __init__(self, answer: Callable[[bytes], bytes | None], interface_index: int) -> None:
        self._answer = answer
        self._index = interface_index
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        scope = addr[3] if len(addr) > 3 else 0
        if scope not in (0, self._index):
            return  # another connector's wire
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def discovery_socket(port: int, interface: str, index: int) -> socket.socket:
    """Bound to the interface, so that every connector of a station can have the one port the standard names.

    Raises OSError, which for a port in use says which one, where, and what to do.
    """
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("::", port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                errno.EADDRINUSE,
                f"UDP port {port} (SDP, [iso15118] sdp_port) is in use on {interface}: another station or demo runs "
                f"there; `ss -ulnp 'sport = :{port}'` names it. End it, or give one of the two another interface",
            ) from None
        raise
    group = socket.inet_pton(socket.AF_INET6, sdp.MULTICAST_GROUP) + struct.pack("@I", index)
    with contextlib.suppress(OSError):  # the loopback has no multicast; unicast discovery still works there
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    sock.setblocking(False)
    return sock
