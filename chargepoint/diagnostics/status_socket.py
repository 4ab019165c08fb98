"""The local socket: one JSON line in, one JSON line out. For `chargepoint status`, `chargepoint reset`, the bench and pages.

The verbs come from `chargepoint.app.wiring`; a request names one: `{"do": "status"}`. Only the socket's group may connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

REQUEST_MAX_BYTES = 4096
IDLE_TIMEOUT_S = 60.0


Request = Mapping[str, object]
Answer = Mapping[str, object]
Verb = Callable[[Request], Answer]
"""Answers one request at once, without waiting. `"ok": true` is added where the answer has no `ok` of its own."""


async def serve(path: Path, verbs: Mapping[str, Verb]) -> None:
    """Answer each request by its verb until cancelled; a request without a known verb with the list of verbs."""

    open_writers: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            while True:
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    line = await reader.readline()
                    if not line:
                        break
                    writer.write(json.dumps(_answer(line, verbs), default=_plain).encode() + b"\n")
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


def fields_of(record: DataclassInstance) -> Answer:
    """The answer that has the fields of this record; what is in them stays as it is, for `serve` knows records at any depth."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _plain(value: object) -> object:
    """What JSON has no word for. Not `asdict`, which copies everything: the status is asked for many times a second."""
    return fields_of(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.chmod(path, 0o660)
    return listener


def _answer(line: bytes, verbs: Mapping[str, Verb]) -> Answer:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"ok": False, "error": f"not JSON: {error}"}
    verb = verbs.get(str(request.get("do"))) if isinstance(request, dict) else None
    if verb is None:
        known = ", ".join(f'{{"do": "{name}"}}' for name in verbs)
        return {"ok": False, "error": f"unknown request {request!r}: send {known}"}
    return {"ok": True, **verb(request)}
