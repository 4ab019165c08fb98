"""The status socket over a real Unix socket: whatever is sent within the cap gets one line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from chargepoint.diagnostics.status_socket import REQUEST_MAX_BYTES, serve


async def answers(path: Path, *lines: bytes) -> list[bytes]:
    """What comes back on one connection; an empty line is the end of it."""
    serving = asyncio.create_task(serve(path, {"status": lambda _: {"loops": 7}}))
    try:
        reader, writer = await _connected(path)
        found = []
        for line in lines:
            writer.write(line + b"\n")
            found.append(await asyncio.wait_for(reader.readline(), 5))
        writer.close()
        return found
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _connected(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(500):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return await asyncio.open_unix_connection(str(path))
        await asyncio.sleep(0.01)
    raise AssertionError("no status socket")


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"do":[]}', b"[" * (REQUEST_MAX_BYTES - 100)],
    ids=["empty", "half", "list", "null", "no text", "list of verbs", "nested"],
)
async def test_bad_requests_are_answered_and_the_next_one_too(tmp_path: Path, line: bytes) -> None:
    bad, good = await answers(tmp_path / "status.sock", line, b'{"do": "status"}')
    assert json.loads(bad)["ok"] is False
    assert json.loads(good) == {"ok": True, "loops": 7}


async def test_it_ends_while_a_client_stays(tmp_path: Path) -> None:
    """From Python 3.12 on asyncio's own `serve_forever` would wait for the client: the daemon would not end."""
    path = tmp_path / "status.sock"
    serving = asyncio.create_task(serve(path, {"status": lambda _: {}}))
    reader, writer = await _connected(path)
    writer.write(b'{"do": "status"}\n')
    await asyncio.wait_for(reader.readline(), 5)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert not path.exists()
    writer.close()


async def test_a_line_beyond_the_cap_ends_the_connection(tmp_path: Path) -> None:
    assert await answers(tmp_path / "status.sock", b"x" * 10 * REQUEST_MAX_BYTES) == [b""]
    assert not (tmp_path / "status.sock").exists()
