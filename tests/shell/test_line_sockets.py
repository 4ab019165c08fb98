"""The bench's Unix sockets: an end with clients still there, and a server that was started again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil.simulators.line_socket import LineSocket


async def test_steering_ends_while_a_client_stays(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    bench = SimpleNamespace(choices=SimpleNamespace(folder=tmp_path))
    serving = asyncio.create_task(Steering(bench).serve())  # type: ignore[arg-type]
    while not (tmp_path / NAME).exists():
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
    writer.write(b'{"do": "nothing"}\n')
    assert b"one of help" in await asyncio.wait_for(reader.readline(), 5)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert not (tmp_path / NAME).exists()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others  # what is left would be cancelled at the end of the program, and the streams would print it
    assert told == []
    writer.close()


async def ended(door: LineSocket) -> None:
    """The end of the connection has reached the client."""
    assert door._streams is not None
    while not door._streams[0].at_eof():
        await asyncio.sleep(0.01)


async def test_the_first_question_after_a_restart_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    clients: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(writer)
        while await reader.readline():
            writer.write(b'{"ok": true}\n')

    door = LineSocket(path)
    for _ in range(2):
        server = await asyncio.start_unix_server(talk, str(path))
        assert (await door.ask({"do": "state"}))["ok"]
        server.close()
        clients.pop().close()
        path.unlink(missing_ok=True)
        await ended(door)
    await door.close()
