"""The timer of a car's connection: each message moves the deadline on, and few timers are set for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from chargepoint.iso15118.connection import CarConnection
from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.model.station_view import StationView


class Talk:
    """A conversation whose deadline the test sets; it notes when `tick` finds the deadline reached."""

    def __init__(self) -> None:
        self.deadline_s: float | None = None
        self.ended = False
        self.reached_s: list[float] = []

    def update(self, view: StationView, now: Now) -> None:
        pass

    def to_send(self) -> bytes:
        return b""

    def peer_gone(self, detail: str) -> None:
        self.ended = True

    def tick(self, now: Now) -> None:
        if self.deadline_s is not None and now.monotonic_s >= self.deadline_s:
            self.reached_s.append(now.monotonic_s)
            self.deadline_s = None


class Desk:
    """The server's side of the connection."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk

    def begin(self, connection: CarConnection, peer: Peer) -> Conversation | None:
        return cast(Conversation, self.talk)

    def finish(self, connection: CarConnection) -> None:
        pass

    def now(self) -> Now:
        return Now(time.monotonic(), 0)

    def current_view(self) -> StationView:
        return StationView()

    def pass_on(self, conversation: Conversation) -> None:
        pass


class Wire:
    """A transport that takes everything."""

    def get_extra_info(self, name: str) -> Any:
        return None

    def get_write_buffer_size(self) -> int:
        return 0


@pytest.fixture
async def talk() -> Talk:
    return Talk()


def connected(talk: Talk) -> CarConnection:
    connection = CarConnection(Desk(talk))
    connection.connection_made(cast(asyncio.Transport, Wire()))
    return connection


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10.0):
        while not condition():
            await asyncio.sleep(0.005)


async def test_messages_that_move_the_deadline_on_set_no_new_timer(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connection = connected(talk)
    timers: list[float] = []
    call_later = loop.call_later

    def counted(delay: float, callback: Callable[..., object], *more: Any) -> asyncio.TimerHandle:
        timers.append(delay)
        return call_later(delay, callback, *more)

    monkeypatch.setattr(loop, "call_later", counted)
    for _ in range(100):
        talk.deadline_s = time.monotonic() + 60.0
        connection.update()
    assert len(timers) == 1
    connection.connection_lost(None)


async def test_a_deadline_that_moved_on_is_kept(talk: Talk) -> None:
    connection = connected(talk)
    talk.deadline_s = time.monotonic() + 0.05
    connection.update()
    talk.deadline_s = due_s = time.monotonic() + 0.15
    connection.update()
    await until(lambda: talk.reached_s)
    assert talk.reached_s[0] >= due_s
    connection.connection_lost(None)


async def test_a_deadline_that_came_nearer_is_kept(talk: Talk) -> None:
    connection = connected(talk)
    talk.deadline_s = time.monotonic() + 3600.0
    connection.update()
    talk.deadline_s = time.monotonic() + 0.05
    connection.update()
    await until(lambda: talk.reached_s)
    connection.connection_lost(None)


async def test_a_connection_that_is_lost_leaves_no_timer(talk: Talk) -> None:
    connection = connected(talk)
    talk.deadline_s = time.monotonic() + 0.02
    connection.update()
    connection.connection_lost(None)
    await asyncio.sleep(0.1)
    assert talk.reached_s == []
