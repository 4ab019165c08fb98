"""Connections that real cars open beside their own one. Source: docs/sources/iso15118-2-din.md 7."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

KNOCKED_PORT = 60_918
"""Nobody listens there."""
ABANDONED_AFTER_S, AGAIN_AFTER_S = 0.01, 0.19

Address = tuple[str, int, int, int]
"""As `socket.connect` takes it for IPv6."""


def new_socket() -> socket.socket:
    """A TCP socket that does not block."""
    raw = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    raw.setblocking(False)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


def reset_on_close(raw: socket.socket) -> None:
    """Its end will be a TCP reset instead of an orderly one."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def abandon(address: Address) -> None:
    """A connection that is reset after 10 ms; then 190 ms of nothing."""
    with new_socket() as raw, contextlib.suppress(OSError):
        await asyncio.get_running_loop().sock_connect(raw, address)
        await asyncio.sleep(ABANDONED_AFTER_S)
        reset_on_close(raw)
    await asyncio.sleep(AGAIN_AFTER_S)


async def knock(address: Address, every_s: float) -> None:
    """Until cancelled: a connection to `KNOCKED_PORT` again and again; what becomes of it does not matter."""
    while True:
        await asyncio.sleep(every_s)
        with new_socket() as raw, contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(every_s):
                await asyncio.get_running_loop().sock_connect(raw, (address[0], KNOCKED_PORT, *address[2:]))
