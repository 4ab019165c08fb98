"""One TCP or TLS connection of a car: bytes between the transport and the conversation, and its deadlines. No decisions."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from typing import Protocol, cast

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.model.car_questions import AnswerToCar
from chargepoint.model.station_view import StationView

CLOSE_GRACE_S = 5.0
"""After the last response the car closes first; then we do."""

UNREAD_MAX_BYTES = 256 * 1024
"""A car that lets this much of our answers lie unread is not there any more."""


class Host(Protocol):
    """What a connection needs of the server it came to."""

    def begin(self, connection: CarConnection, peer: Peer) -> Conversation | None:
        """A conversation for a new connection; None refuses it."""

    def finish(self, connection: CarConnection) -> None:
        """The connection is gone."""

    def now(self) -> Now:
        """Both clocks."""

    def current_view(self) -> StationView:
        """What to answer from."""

    def pass_on(self, conversation: Conversation) -> None:
        """Takes the conversation's events."""


class CarConnection(asyncio.Protocol):
    """One transport and its conversation."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = math.inf
        self._closing = False
        self.conversation: Conversation | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        session: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        tls = None if session is None else session.version()
        leaf = None if session is None else session.getpeercert(binary_form=True)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.conversation = self._host.begin(self, Peer(str(peer[0]) if peer else "?", tls, leaf))
        if self.conversation is None:
            self._transport.abort()
        else:
            self._after()

    def data_received(self, data: bytes) -> None:
        if self.conversation is not None:
            now = self._host.now()
            self.conversation.update(self._host.current_view(), now)
            self.conversation.receive(data, now)
            self._after()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        if self.conversation is not None:
            self.conversation.peer_gone("the car closed the connection" if exc is None else str(exc))
            self._host.pass_on(self.conversation)
        self._host.finish(self)

    @property
    def over(self) -> bool:
        """The session has ended; the car has not closed the connection yet."""
        return self.conversation is not None and self.conversation.ended

    def abandon(self) -> None:
        """Close without waiting for the car."""
        if self._transport is not None:
            self._transport.abort()

    def answer(self, number: int, answer: AnswerToCar) -> None:
        """The station's answer to a question of this conversation."""
        if self.conversation is not None:
            now = self._host.now()
            self.conversation.update(self._host.current_view(), now)  # what led to the answer shows in the view, too
            self.conversation.answer(number, answer, now)
            self._after()

    def update(self) -> None:
        """The station's view changed."""
        if self.conversation is not None:
            self.conversation.update(self._host.current_view(), self._host.now())
            self._after()

    def _after(self) -> None:
        assert self.conversation is not None
        assert self._transport is not None
        if data := self.conversation.to_send():
            self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNREAD_MAX_BYTES:
            self.conversation.peer_gone(f"the car leaves more than {UNREAD_MAX_BYTES} bytes of answers unread")
            self.abandon()
        self._host.pass_on(self.conversation)
        if self._closing:
            return  # new inputs must not put the close off
        if self.conversation.ended:
            self._closing = True
            self._cancel_timer()
            self._timer = asyncio.get_running_loop().call_later(CLOSE_GRACE_S, self._transport.close)
            if self._transport.can_write_eof() and not self._transport.is_closing():
                self._transport.write_eof()
        else:
            self._keep_deadline(self.conversation.deadline_s)

    def _keep_deadline(self, due_s: float | None) -> None:
        """The timer fires at `due_s` or before. Each message moves the deadline on; a new timer each time would cost more.

        A timer that fires before the deadline does no harm: the conversation's `tick` finds nothing due, and the timer is set anew.
        """
        if due_s is None or due_s >= self._timer_due_s:
            return
        self._cancel_timer()
        self._timer_due_s = due_s
        wait_s = max(0.0, due_s - self._host.now().monotonic_s)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_due_s = None, math.inf

    def _tick(self) -> None:
        self._timer, self._timer_due_s = None, math.inf
        if self.conversation is not None:
            self.conversation.tick(self._host.now())
            self._after()
