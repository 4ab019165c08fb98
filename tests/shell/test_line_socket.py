"""The bench's client of JSON lines over a real Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hil.simulators.line_socket import LineSocket


async def test_a_client_connects_again_after_the_other_side_closed_between_two_questions(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"ok": true}\n')
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        gone.set()

    client = LineSocket(tmp_path / "s")
    async with await asyncio.start_unix_server(answer_one, str(tmp_path / "s")):
        for _ in range(3):
            assert await client.ask({"do": "state"}) == {"ok": True}
            await gone.wait()
            gone.clear()
            for _ in range(10):  # the end has been sent; turns of the loop until the client's reader has seen it
                await asyncio.sleep(0)
        await client.close()
