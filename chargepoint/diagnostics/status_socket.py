"""The status socket: one JSON line in, one JSON line out, read-only. For `chargepoint status`, the bench and pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

REQUEST_MAX_BYTES = 4096
IDLE_TIMEOUT_S = 60.0


async def serve(path: Path, snapshot: Callable[[], Mapping[str, object]]) -> None:
    """Answer `{"do": "status"}` with the snapshot until cancelled; anything else with what is known."""

    open_writers: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            while True:
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    line = await reader.readline()
                    if not line:
                        break
                    writer.write(json.dumps(_answer(line, snapshot), default=str).encode() + b"\n")
                    await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # ValueError: a line beyond the cap; the connection ends
        finally:
            open_writers.discard(writer)
            writer.close()

    listener = _listen(path)
    server = await asyncio.start_unix_server(talk, sock=listener, limit=REQUEST_MAX_BYTES)
    try:
        # not serve_forever: from Python 3.12 on its end waits for clients that stay
        await asyncio.get_running_loop().create_future()
    finally:
        server.close()
        for writer in open_writers.copy():
            writer.close()  # its reader sees the end, and its task returns by itself
        with contextlib.suppress(FileNotFoundError):  # from Python 3.13 on the server has done it
            os.unlink(path)


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.chmod(path, 0o660)
    return listener


def _answer(line: bytes, snapshot: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"ok": False, "error": f"not JSON: {error}"}
    if isinstance(request, dict) and request.get("do") == "status":
        return {"ok": True, **snapshot()}
    return {"ok": False, "error": f'unknown request {request!r}: send {{"do": "status"}}'}
