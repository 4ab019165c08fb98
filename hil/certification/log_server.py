"""The suite's log server: takes uploads over HTTP (PUT and POST), refuses unknown paths, and may leave an upload unanswered."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Self

from hil.certification.central_system import HOST

FOLDER = "/logs/"
"""The one folder that exists. A file name may follow it."""
LONGEST_LOG = 1 << 26


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload that arrived whole. `path` begins with a slash."""

    method: str
    path: str
    content: bytes


class LogServer:
    """Listens at a free port from `async with` to its end."""

    def __init__(self) -> None:
        self.uploads: list[Upload] = []
        """Every upload that was answered with success."""
        self.attempts = 0
        """How many requests came, refused ones too."""
        self.answers = True
        """Where False, the answer to the next request is never sent."""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await self._server.wait_closed()

    def url(self, folder: str = FOLDER) -> str:
        """A location for GetLog. Uploads to another folder than `FOLDER` are answered with 404."""
        assert self._server is not None
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}{folder}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._request(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        self.attempts += 1
        answers, self.answers = self.answers, True
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        content = await _content(reader, headers)
        if not answers:
            await reader.read()  # until the station gives up
            return
        if method not in ("PUT", "POST"):
            status = "405 Method Not Allowed"
        elif not path.startswith(FOLDER):
            status = "404 Not Found"
        else:
            self.uploads.append(Upload(method, path, content))
            status = "201 Created"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()


async def _content(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """The body of a request. Raises ValueError for one that is too long or cannot be read."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= LONGEST_LOG:
            raise ValueError(f"an upload of {length} bytes: at most {LONGEST_LOG}")
        return await reader.readexactly(length)
    content = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        content += await reader.readexactly(size)
        await reader.readline()
        if len(content) > LONGEST_LOG:
            raise ValueError(f"an upload of more than {LONGEST_LOG} bytes")
    return content
