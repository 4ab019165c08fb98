"""The car's end of the wire: discovery, connection, one request and its response at a time."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Any, TypeVar

from chargepoint.iso15118 import sdp
from chargepoint.iso15118.exi.codec import ExiError, decode, encode
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.sdp import SdpResponse, Security
from chargepoint.iso15118.v2gtp import HEADER, PAYLOAD_MAX_BYTES, PROTOCOL_VERSION, PayloadType, frame
from hil.simulators.evcc.alerts import send_alerts
from hil.simulators.evcc.habits import ORDINARY, Habits
from hil.simulators.evcc.odd_connections import Address, abandon, new_socket, reset_on_close
from hil.simulators.evcc.order import NAMESPACES
from hil.simulators.relay import Relay

SDP_TRIES = 50
SDP_WAIT_S = 0.25

R = TypeVar("R")


class WireError(RuntimeError):
    """The station did not answer as it must: silence, a closed connection, or another message."""


@dataclass(frozen=True, slots=True)
class V2gConnection:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    tls: str | None
    address: Address = ("::1", 0, 0, 0)
    """Of the station."""

    async def exchange(self, request: Any, response: type[R], timeout_s: float) -> R:
        """Send, await the response of the right class. Raises WireError."""
        self.writer.write(frame(_payload_type(request), encode(request)))
        try:
            async with asyncio.timeout(timeout_s):
                await self.writer.drain()
                head = await self.reader.readexactly(HEADER.size)
                version, inverse, payload_type, length = HEADER.unpack(head)
                if (version, inverse) != (PROTOCOL_VERSION, PROTOCOL_VERSION ^ 0xFF):
                    raise WireError(f"V2GTP version bytes {version:02x} {inverse:02x}: 01 fe")
                if length > PAYLOAD_MAX_BYTES:
                    raise WireError(f"answer of {length} bytes")
                payload = await self.reader.readexactly(length)
        except TimeoutError:
            raise WireError(f"no answer to {type(request).__name__} within {timeout_s:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WireError(f"connection lost after {type(request).__name__}") from error
        namespace = next((n for kind, n in NAMESPACES.items() if kind == payload_type), None)
        if namespace is None:
            raise WireError(f"{type(request).__name__} answered under payload type {payload_type:#06x}")
        try:
            message = decode(namespace, payload)
        except ExiError as error:
            raise WireError(f"{type(request).__name__} answered with what is no message: {error}") from error
        if not isinstance(message, response):
            raise WireError(f"{type(request).__name__} answered with {type(message).__name__}")
        return message

    def reset(self) -> None:
        """Abort: a TCP reset instead of an orderly end."""
        raw: socket.socket | None = self.writer.get_extra_info("socket")
        if raw is not None:
            reset_on_close(raw)
        self.writer.transport.abort()

    async def close(self) -> None:
        """Close and wait a little for the other side."""
        self.writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self.writer.wait_closed()
        except (TimeoutError, ConnectionError, ssl.SSLError):
            return


async def discover(
    interface: str, security: Security, port: int = sdp.PORT, relay: Relay | None = None
) -> tuple[SdpResponse, int]:
    """Where the station is, and the interface's scope; multicast, except on the loopback where there is none.

    While the relay is cut, questions are lost.
    """
    index = socket.if_nametoindex(interface)
    target = "::1" if interface == "lo" else sdp.MULTICAST_GROUP
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        for _ in range(SDP_TRIES):
            if relay is None or not relay.is_cut:
                await loop.sock_sendto(sock, sdp.request(security), (target, port, 0, index if target != "::1" else 0))
            try:
                async with asyncio.timeout(SDP_WAIT_S):
                    answer = sdp.parse_response(await loop.sock_recv(sock, 1024))
            except (TimeoutError, ConnectionError):
                await asyncio.sleep(SDP_WAIT_S / 5)
                continue
            if answer is not None:
                return answer, index
    raise WireError(f"no SDP answer on {interface} after {SDP_TRIES} tries")


async def connect(
    interface: str,
    tls: ssl.SSLContext | None,
    port: int = sdp.PORT,
    habits: Habits = ORDINARY,
    relay: Relay | None = None,
) -> V2gConnection:
    """Discover and connect; TLS if a context is given and the station offers it. `habits`: see `Habits`. `relay`: it leads there."""
    wished = Security.NONE if tls is None and not habits.asks_for_tls else Security.TLS
    found, index = await discover(interface, wished, port, relay)
    secure = found.security is Security.TLS
    if secure and tls is None:
        raise WireError("the station insists on TLS, and this car has no keys")
    address = (str(found.address), found.port, 0, index if found.address.is_link_local else 0)
    if relay is not None:
        relay.target = address[:2] if not address[3] else (f"{address[0]}%{address[3]}", address[1])
        address = ("::1", relay.port, 0, 0)
    if habits.abandons_first_connection:
        await abandon(address)
    raw = new_socket()
    try:
        await asyncio.get_running_loop().sock_connect(raw, address)
        if secure and tls is not None:
            send_alerts(tls, raw)
        reader, writer = await asyncio.open_connection(
            sock=raw, ssl=tls if secure else None, server_hostname="" if secure else None
        )
    except (OSError, ssl.SSLError) as error:
        raw.close()
        raise WireError(f"cannot connect to {found.address}: {error}") from error
    session: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    return V2gConnection(reader, writer, None if session is None else session.version(), address)


def _payload_type(message: Any) -> PayloadType:
    if isinstance(message, supportedAppProtocolReq):
        return PayloadType.EXI_SAP
    return PayloadType.DC_MAINSTREAM if type(message).__module__ == dc.__name__ else PayloadType.MAINSTREAM
