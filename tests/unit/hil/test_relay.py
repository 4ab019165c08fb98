"""The relay between two ends, in virtual time and over real sockets: cut without a word, healed, slow, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hil.clock import now_s
from hil.simulators.relay import Relay, Slowness
from hil.virtual.loop import VirtualLoop

Story = Callable[[Relay], Awaitable[None]]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


def _play(story: Story) -> None:
    async def play() -> None:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        relay = Relay("127.0.0.1", 0, server.sockets[0].getsockname()[:2])
        await relay.start()
        await story(relay)
        await relay.stop()
        server.close()

    loop = VirtualLoop()
    try:
        loop.run_until_complete(play())
    finally:
        loop.close()


async def _said(relay: Relay, text: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(text)
    return reader, writer


def test_bytes_and_the_end_pass_both_ways() -> None:
    async def story(relay: Relay) -> None:
        reader, writer = await _said(relay, b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.write_eof()
        assert await reader.read() == b""

    _play(story)


def test_nothing_passes_while_it_is_cut_and_everything_afterwards() -> None:
    async def story(relay: Relay) -> None:
        reader, writer = await _said(relay, b"one")
        assert await reader.readexactly(3) == b"one"
        relay.cut()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600.0):
                await reader.read(1)
        relay.heal()
        assert await reader.readexactly(3) == b"two"

    _play(story)


def test_a_connection_that_begins_in_the_cut_waits_and_one_that_was_given_up_is_forgotten() -> None:
    async def story(relay: Relay) -> None:
        relay.cut()
        _, given_up = await _said(relay, b"")
        given_up.transport.abort()
        reader, _ = await _said(relay, b"late")
        await asyncio.sleep(10.0)
        relay.heal()
        assert await reader.readexactly(4) == b"late"

    _play(story)


def test_latency_counts_in_each_direction_and_bandwidth_for_each_byte() -> None:
    async def story(relay: Relay) -> None:
        relay.slowness = Slowness(latency_s=2.0, bytes_per_s=10.0)
        began_s = now_s()
        reader, _ = await _said(relay, b"0123456789" * 3)
        assert await reader.readexactly(30)
        assert now_s() - began_s == pytest.approx(2 * (2.0 + 3.0), abs=0.1)

    _play(story)


def test_an_end_that_goes_away_takes_the_other_one_with_it() -> None:
    async def story(relay: Relay) -> None:
        reader, writer = await _said(relay, b"x")
        assert await reader.readexactly(1) == b"x"
        await relay.stop()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            writer.write(b"y")
            await reader.readexactly(1)

    _play(story)
