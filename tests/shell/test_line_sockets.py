"""The bench's Unix sockets: an end with clients still there, and a server that was started again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hil.simulators.line_socket import LineSocket


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
