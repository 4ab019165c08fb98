"""The door's Unix socket: order and ids, waits that block nobody, events, clients that die, and lines that are too long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hil.steering.line_server import LINE_MAX_BYTES, NAME, LineServer
from hil.steering.subscription import QUEUE_MAX
from tests.unit.hil.steering.fake_bench import FakeObserved, fake_door

PATIENCE_S = 20.0


class Line:
    """One connection of a client."""

    def __init__(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.reader, self.writer = streams

    async def send(self, **request: Any) -> None:
        self.writer.write(json.dumps(request).encode() + b"\n")
        await self.writer.drain()

    async def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await asyncio.wait_for(self.reader.readline(), PATIENCE_S))
        return found

    async def ask(self, **request: Any) -> dict[str, Any]:
        await self.send(**request)
        return await self.read()


class Opened:
    """A door that listens, and what it looks at."""

    def __init__(self, path: Path, observed: FakeObserved, server: LineServer) -> None:
        self.path = path
        self.observed = observed
        self.server = server

    async def line(self) -> Line:
        return Line(await asyncio.open_unix_connection(str(self.path), limit=1 << 22))


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    door, observed = fake_door()
    observed.sees("contactor", "open")
    server = LineServer(door, tmp_path / NAME)
    serving = asyncio.create_task(server.serve())
    while not (tmp_path / NAME).exists():
        await asyncio.sleep(0.01)
    yield Opened(tmp_path / NAME, observed, server)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(serving, PATIENCE_S)


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_requests_without_an_id_are_answered_in_their_order(opened: Opened) -> None:
    line = await opened.line()
    opened.observed.takes_s["plug"] = 0.1
    await line.send(do="plug")
    await line.send(do="dance")
    await line.send(do="token")
    assert (await line.read())["ok"] is True
    assert "one of" in (await line.read())["error"]
    assert (await line.read())["ok"] is True
    assert [verb for verb, _ in opened.observed.done] == ["plug", "token"]


async def test_a_wait_blocks_no_request_that_has_an_id(opened: Opened) -> None:
    line = await opened.line()
    await line.send(do="wait", **{"for": {"contactor": "closed"}}, within_s=60)
    await line.send(do="wait", **{"for": {"pilot": "C"}}, within_s=60, id="pilot")
    assert await line.ask(do="plug", id=5) == {"id": 5, "ok": True}
    opened.observed.sees("pilot", "C")
    assert (await line.read())["id"] == "pilot"
    opened.observed.sees("contactor", "closed")
    answer = await line.read()
    assert "id" not in answer
    assert answer["seen"] == {"contactor": "closed"}


async def test_a_refusal_of_what_cannot_be_read_carries_the_id_back(opened: Opened) -> None:
    line = await opened.line()
    assert (await line.ask(do="dance", id="x"))["id"] == "x"
    line.writer.write(b"{\n")
    assert "no JSON" in (await line.read())["error"]


async def test_a_client_that_closes_its_writing_side_gets_its_answers(opened: Opened) -> None:
    line = await opened.line()
    opened.observed.takes_s["plug"] = 0.1
    await line.send(do="plug")
    await line.send(do="token")
    line.writer.write_eof()
    assert (await line.read())["ok"] is True
    assert (await line.read())["ok"] is True
    assert await asyncio.wait_for(line.reader.read(), PATIENCE_S) == b""


@pytest.mark.parametrize("request_id", [None, "a"])
async def test_a_client_that_dies_in_a_wait_of_a_day_leaves_nothing_behind(
    opened: Opened, request_id: str | None
) -> None:
    line = await opened.line()
    id = {} if request_id is None else {"id": request_id}
    await line.send(do="wait", **{"for": {"contactor": "closed"}}, within_s=86_400, **id)
    await until(lambda: opened.server._door._waits == 1)
    line.writer.transport.abort()
    await until(lambda: opened.server._door._waits == 0 and not opened.server._talks)


async def test_what_acts_on_the_bench_comes_to_its_end_without_its_client(opened: Opened) -> None:
    line = await opened.line()
    opened.observed.takes_s["unplug"] = 0.3
    await line.send(do="unplug")
    await asyncio.sleep(0.05)
    line.writer.transport.abort()
    await until(lambda: [verb for verb, _ in opened.observed.done] == ["unplug"] and not opened.server._talks)


async def test_events_come_as_lines_and_end_with_unsubscribe(opened: Opened) -> None:
    line = await opened.line()
    answer = await line.ask(do="subscribe", names=["pilot"], evse=2)
    assert answer["subscription"] == 1
    opened.observed.sees("pilot", "B", evse=1)
    opened.observed.sees("pilot", "B", evse=2)
    opened.observed.sees("contactor", "closed", evse=2)
    opened.observed.sees("pilot", "C", evse=2)
    events = [await line.read(), await line.read()]
    assert [one["event"]["value"] for one in events] == ["B", "C"]
    assert all(one["subscription"] == 1 and one["event"]["evse"] == 2 for one in events)
    assert await line.ask(do="unsubscribe") == {"ok": True}
    opened.observed.sees("pilot", "B", evse=2)
    await asyncio.sleep(0.3)
    assert (await line.ask(do="note", text="x"))["ok"] is True  # and no event before it


async def test_a_subscription_may_begin_behind_a_line_of_the_past(opened: Opened) -> None:
    line = await opened.line()
    for value in range(5):
        opened.observed.sees("power_W", float(value))
    await line.ask(do="record")
    assert (await line.ask(do="subscribe", after=4))["ok"] is True
    assert [(await line.read())["event"]["number"] for _ in range(2)] == [5, 6]


async def test_a_subscriber_that_does_not_read_holds_nobody_up_and_learns_what_it_lost(opened: Opened) -> None:
    deaf, other = await opened.line(), await opened.line()
    deaf.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await deaf.ask(do="subscribe", names=["power_W"])
    deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
    count = 4 * QUEUE_MAX
    for value in range(count):
        opened.observed.sees("power_W", float(value))
        if value % 500 == 0:
            assert (await asyncio.wait_for(other.ask(do="plug"), PATIENCE_S))["ok"] is True
            await asyncio.sleep(0.15)  # the door looks, and offers these lines
    deaf.reader._transport.resume_reading()  # type: ignore[attr-defined]
    seen = lost = 0
    while seen + lost < count:
        event = (await deaf.read())["event"]
        lost += event["value"] if event["kind"] == "lost" else 0
        seen += event["kind"] != "lost"
    assert lost > 0
    assert seen >= QUEUE_MAX


async def test_a_line_of_two_megabytes_is_refused_and_ends_its_connection_alone(opened: Opened) -> None:
    line, other = await opened.line(), await opened.line()
    line.writer.write(b'{"do":"note","text":"' + b"x" * 2_000_000 + b'"}\n')
    assert str(LINE_MAX_BYTES) in (await line.read())["error"]
    assert (await other.ask(do="plug"))["ok"] is True


async def test_two_hundred_connections_wait_at_once(opened: Opened) -> None:
    lines = [await opened.line() for _ in range(200)]
    for line in lines:
        await line.send(do="wait", **{"for": {"contactor": "closed"}}, within_s=60)
    await until(lambda: opened.server._door._waits == 200)
    opened.observed.sees("contactor", "closed")
    answers = await asyncio.gather(*(line.read() for line in lines))
    assert all(answer["ok"] for answer in answers)


async def test_the_door_ends_while_a_client_stays(tmp_path: Path) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    door, _ = fake_door()
    serving = asyncio.create_task(LineServer(door, tmp_path / NAME).serve())
    while not (tmp_path / NAME).exists():
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
    writer.write(b'{"do": "nothing"}\n')
    assert b"one of" in await asyncio.wait_for(reader.readline(), 5)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert not (tmp_path / NAME).exists()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others  # what is left would be cancelled at the end of the program, and the streams would print it
    assert complaints == []
    writer.close()
