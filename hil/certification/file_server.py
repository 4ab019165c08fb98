"""The file server of the suite: HTTP on the loopback, for firmware that a station downloads and logs that a station uploads.

In come GET with an optional range, PUT and POST. A case decides which files there are, and how long the next transfers take.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque

from hil.certification.central_system import HOST

LONGEST_HEAD = 16_384
LONGEST_UPLOAD = 64 * 1024**2
_REASONS = {200: "OK", 201: "Created", 206: "Partial Content", 404: "Not Found", 405: "Method Not Allowed"}


class FileServer:
    """`files` are served by path; `uploads` are the files that came, by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self._pauses_s: deque[float] = deque()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen at a free port."""
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=LONGEST_HEAD)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def url(self, path: str) -> str:
        """The address of a file, which need not exist."""
        assert self._server is not None, "the file server is not started"
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}{path}"

    def pause_next(self, seconds: float) -> None:
        """The next transfer stops for so long in its middle: half of a file that is sent, or before the answer to one that came."""
        self._pauses_s.append(seconds)

    def begin_case(self) -> None:
        """No file, no upload, no pause."""
        self.files.clear()
        self.uploads.clear()
        self._pauses_s.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path = head.split(" ", 2)[:2]
            pause_s = self._pauses_s.popleft() if self._pauses_s else 0.0
            if method == "GET":
                await self._send_file(writer, path, head, pause_s)
            elif method in ("PUT", "POST"):
                self.uploads[path] = await _body(reader, head)
                await asyncio.sleep(pause_s)
                await _answer(writer, 201)
            else:
                await _answer(writer, 405)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # a client that goes away, or one that does not speak HTTP
        finally:
            writer.close()

    async def _send_file(self, writer: asyncio.StreamWriter, path: str, head: str, pause_s: float) -> None:
        data = self.files.get(path)
        if data is None:
            await _answer(writer, 404)
            return
        wanted = re.search(r"(?im)^range: *bytes=(\d+)-\r?$", head)
        start = int(wanted[1]) if wanted else 0
        further = f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}\r\n" if wanted else ""
        await _answer(writer, 206 if wanted else 200, data[start:], further, pause_s)


async def _answer(
    writer: asyncio.StreamWriter, status: int, body: bytes = b"", further: str = "", pause_s: float = 0.0
) -> None:
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: {len(body)}\r\n{further}Connection: close\r\n\r\n"
    half = len(body) // 2
    writer.write(head.encode("latin-1") + body[:half])
    await writer.drain()
    await asyncio.sleep(pause_s)
    writer.write(body[half:])
    await writer.drain()


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    """The body of an upload: by its length, or in chunks. Raises ValueError for one that is too long."""
    length = re.search(r"(?im)^content-length: *(\d+)\r?$", head)
    if re.search(r"(?im)^expect: *100-continue", head):
        raise ValueError("this server does not continue on demand")
    if length is not None:
        return await reader.readexactly(_bounded(int(length[1])))
    data = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        data += await reader.readexactly(size)
        _bounded(len(data))
        await reader.readexactly(2)
    return data


def _bounded(size: int) -> int:
    if size > LONGEST_UPLOAD:
        raise ValueError(f"an upload of {size} bytes: at most {LONGEST_UPLOAD}")
    return size
