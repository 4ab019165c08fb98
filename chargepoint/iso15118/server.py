"""The shell around the SECC of one EVSE: where cars connect, that one car at a time does, and what the station learns of it.

`discovery` answers cars with the address, `connection` moves the bytes of the one that came.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence

from chargepoint.config.car_section import Iso15118Section, TlsPolicy
from chargepoint.iso15118 import protocols, sdp
from chargepoint.iso15118.connection import CarConnection
from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.exchanged import Exchanged
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.discovery import Discovery, discovery_socket
from chargepoint.iso15118.exi.codec import NS_SAP, preload
from chargepoint.iso15118.sdp import SdpResponse, Security
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.trace.recorder import TraceRecorder
from chargepoint.iso15118.v2gtp import FrameReceived, parse_datagram
from chargepoint.model.car import CarEvent, CarSessionEnded
from chargepoint.model.car_questions import AnswerToCar
from chargepoint.model.random_ids import RandomBytes
from chargepoint.model.station_status import ConversationStatus, MessageStatus
from chargepoint.model.station_view import StationView
from chargepoint.ports import Clock
from chargepoint.security.tls import refuse_leaf

HANDSHAKE_TIMEOUT_S = 10.0
INTERFACE_RETRY_S = 2.0

DYNAMIC_PORTS = range(49152, 65536)
PORT_TRIES = 50


class SeccServer:
    """One EVSE's car side on one network interface."""

    def __init__(
        self,
        interface: str,
        settings: Iso15118Section,
        secc: SeccSettings,
        tls: ssl.SSLContext | None,
        view: Callable[[], StationView],
        on_events: Callable[[Sequence[CarEvent]], None],
        on_kept: Callable[[KeptSession | None], None],
        clock: Clock,
        log: logging.Logger,
        recorder: TraceRecorder | None = None,
        *,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        served = protocols.served(secc)
        grammars = dict.fromkeys(grammar for protocol in served for grammar in protocol.grammars.values())
        preload(NS_SAP, *grammars)  # now rather than in the first car's time
        self._interface = interface
        self._settings = settings
        self._secc = secc
        self._tls = tls
        self._view = view
        self._on_events = on_events
        self._on_kept = on_kept
        self._clock = clock
        self._log = log
        self._recorder = recorder
        self._random_bytes = random_bytes
        self._car: CarConnection | None = None
        self._kept: KeptSession | None = None
        self._last_trace: list[Exchanged] = []
        self._address = ipaddress.IPv6Address("::1")
        self._ports: dict[Security, int] = {}

    async def run(self) -> None:
        """Until cancelled. An interface that is not there (yet), or not free, is tried again; each reason is logged once."""
        logged = ""
        while True:
            try:
                await self._serve()
            except OSError as error:
                if logged != str(error):
                    self._log.warning("! car interface %s: %s; trying again", self._interface, error)
                    logged = str(error)
                await asyncio.sleep(INTERFACE_RETRY_S)

    async def _serve(self) -> None:
        index = socket.if_nametoindex(self._interface)
        self._address = _own_address(self._interface, index)
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for security in self._offered():
                listener = _listener(self._address, index if self._address.is_link_local else 0)
                self._ports[security] = listener.getsockname()[1]
                secure = security is Security.TLS
                server = await loop.create_server(
                    lambda: CarConnection(self),
                    sock=listener,
                    ssl=self._tls if secure else None,
                    ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if secure else None,
                )
                await stack.enter_async_context(server)
            discovery = discovery_socket(self._settings.sdp_port, self._interface, index)
            transport, _ = await loop.create_datagram_endpoint(lambda: Discovery(self.discover, index), sock=discovery)
            stack.callback(transport.close)
            self._log.info("* waiting for cars on %s [%s]", self._interface, self._address)
            await loop.create_future()  # until cancelled

    def _offered(self) -> list[Security]:
        match self._settings.tls:
            case TlsPolicy.OFF:
                return [Security.NONE]
            case TlsPolicy.REQUIRED:
                return [Security.TLS] if self._tls is not None else []
            case TlsPolicy.OPTIONAL:
                return [Security.NONE, *([Security.TLS] if self._tls is not None else [])]

    def discover(self, datagram: bytes) -> bytes | None:
        """The answer to an SDP datagram, or None for silence."""
        wish = sdp.parse_request(datagram)
        if wish is None:
            return None
        self._record(WireDirection.FROM_CAR, datagram)
        security = sdp.choose(wish, self._settings.tls, tls_possible=self._tls is not None)
        if security is None:
            self._log.warning("! car asks for a connection, but there are no keys for TLS: [iso15118] certificate_dir")
            return None
        answer = sdp.response(SdpResponse(self._address, self._ports[security], security))
        self._record(WireDirection.TO_CAR, answer)
        return answer

    def view_changed(self) -> None:
        """A new process image or setpoint: a held answer may be due."""
        if self._car is not None:
            self._car.update()

    def unplugged(self) -> None:
        """The plug is out: its connection is dead although no packet says so, and must not stand in the next car's way."""
        if self._car is not None and self._car.conversation is not None:
            self._car.conversation.peer_gone("the plug was pulled")
            self._car.conversation.discard()
            self.pass_on(self._car.conversation)
            self._car.abandon()
        self._keep(None)

    def remember(self, kept: KeptSession) -> None:
        """A session that was kept before this daemon started: its car may join it."""
        self._kept = kept

    def forget(self) -> None:
        """The kept session cannot be joined any more. A car that talks now goes on."""
        if self._car is not None and self._car.conversation is not None:
            self._car.conversation.discard()
        self._keep(None)

    def answer(self, number: int, answer: AnswerToCar) -> None:
        """The station's answer to a question of the present car's conversation. Any other number is ignored."""
        if self._car is not None:
            self._car.answer(number, answer)

    def status(self) -> ConversationStatus:
        """The session as agreed and the last messages. A car whose session has ended is none."""
        car = self._car
        trace = self._last_trace if car is None or car.conversation is None else car.conversation.trace
        conversation = None if car is None or car.over else car.conversation
        return ConversationStatus(
            connected=car is not None and not car.over,
            state=None if conversation is None else conversation.state,
            evcc_id=None if conversation is None else conversation.evcc_id,
            messages=tuple(MessageStatus(m.at_s, m.direction, m.name, m.note) for m in trace[-12:]),
        )

    # -- for the connection ----------------------------------------------------------------------------------------

    def now(self) -> Now:
        """Both clocks."""
        return Now(self._clock.monotonic_s(), int(self._clock.utc().timestamp()))

    def begin(self, connection: CarConnection, peer: Peer) -> Conversation | None:
        """A conversation for a new connection; None if there is a car already or its certificate is refused.

        A connection whose session has ended only waits for the car to close it: it gives way to a new one. So does one
        that the same car gave up (`Conversation.given_up`).
        """
        before = None if self._car is None or self._car.over else self._car.conversation
        if before is not None and not before.given_up(peer.address, self.now()):
            self._log.warning("! second connection from %s refused: a car is already connected", peer.address)
            return None
        if peer.tls is not None:
            leaf = peer.leaf
            reason = None
            if leaf is not None:
                reason = refuse_leaf(leaf, allow_p256=self._settings.allow_p256)
            elif peer.tls == protocols.TLS_OF_ISO20:
                reason = "no certificate"
            if reason is not None:
                self._log.warning("! car at %s refused: %s", peer.address, reason)
                return None
        if before is not None:
            before.peer_gone("the car fell silent and connected anew")
            self.pass_on(before)
        if self._car is not None:
            self._last_trace = [] if self._car.conversation is None else self._car.conversation.trace
            self._car.abandon()
        self._car = connection
        now = self.now()
        conversation = Conversation(
            self._secc,
            protocols.spoken(self._secc, peer),
            peer,
            self._random_bytes,
            now,
            kept=self._kept,
            keep_frames=self._recorder is not None,
            unspoken=protocols.unspoken(self._secc, peer),
        )
        conversation.update(self._view(), now)
        return conversation

    def pass_on(self, conversation: Conversation) -> None:
        """What is kept goes to the store, then events go up: an event may order what needs it."""
        if self._car is not None and self._car.conversation is conversation:
            self._keep(conversation.kept)
        self._record_frames(conversation)
        events = conversation.events()
        if events:
            self._on_events(events)
            for event in events:
                if isinstance(event, CarSessionEnded):
                    self._record_end(event)

    def current_view(self) -> StationView:
        """What to answer from."""
        return self._view()

    def finish(self, connection: CarConnection) -> None:
        """The connection is gone."""
        if self._car is connection:
            if connection.conversation is not None:
                self._last_trace = connection.conversation.trace
            self._car = None

    # -- the wire trace ----------------------------------------------------------------------------------------------

    def _record(self, direction: WireDirection, datagram: bytes) -> None:
        """A datagram of discovery."""
        found = parse_datagram(datagram)
        if self._recorder is not None and isinstance(found, FrameReceived):
            self._recorder.frame(
                TracedFrame(self._clock.utc().timestamp(), direction, found.payload_type, found.payload)
            )

    def _record_frames(self, conversation: Conversation) -> None:
        if self._recorder is None:
            return
        utc_s, monotonic_s = self._clock.utc().timestamp(), self._clock.monotonic_s()
        for frame in conversation.frames():
            direction = WireDirection.TO_CAR if frame.direction == ">" else WireDirection.FROM_CAR
            at_utc_s = utc_s - (monotonic_s - frame.at_s)
            self._recorder.frame(
                TracedFrame(at_utc_s, direction, frame.payload_type, frame.payload, frame.message, frame.note)
            )

    def _record_end(self, ended: CarSessionEnded) -> None:
        if self._recorder is not None:
            note = f"{ended.end.value}: {ended.detail}"
            self._recorder.frame(TracedFrame(self._clock.utc().timestamp(), WireDirection.EVENT, 0, b"", None, note))
            self._recorder.end()

    def _keep(self, kept: KeptSession | None) -> None:
        if kept != self._kept:
            self._kept = kept
            self._on_kept(kept)


def _own_address(interface: str, index: int) -> ipaddress.IPv6Address:
    """The link-local address the kernel would speak from on this interface; ::1 on the loopback."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((sdp.MULTICAST_GROUP, sdp.PORT, 0, index))
            address = ipaddress.IPv6Address(str(probe.getsockname()[0]).partition("%")[0])
        except OSError:
            address = ipaddress.IPv6Address("::1")
    if address.is_link_local or address.is_loopback:
        return address
    if interface == "lo":
        return ipaddress.IPv6Address("::1")
    raise OSError(f"no link-local IPv6 address on {interface}")


def _listener(address: ipaddress.IPv6Address, scope: int) -> socket.socket:
    """A TCP socket on a port of the dynamic range: cars refuse any other (ISO 15118-2 7.9.1, seen with a real EVCC)."""
    for _ in range(PORT_TRIES):
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        try:
            listener.bind((str(address), secrets.choice(DYNAMIC_PORTS), 0, scope))
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return listener
    raise OSError(f"no free port in {DYNAMIC_PORTS.start}..{DYNAMIC_PORTS.stop - 1} after {PORT_TRIES} tries")
