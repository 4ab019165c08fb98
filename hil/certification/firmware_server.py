"""The suite's firmware server: HTTP on the loopback, with the files that a case puts there. It may stop in the middle of a file."""

from __future__ import annotations

import asyncio
import re

from hil.certification.central_system import HOST

LONGEST_HEAD = 16_384
_REASONS = {200: "OK", 206: "Partial Content", 404: "Not Found", 405: "Method Not Allowed"}


class FirmwareServer:
    """GET, with an optional range. `files` are served by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.pause_s = 0.0
        """How long the next download stops after half of the file; only that one."""
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
        assert self._server is not None, "the firmware server is not started"
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}{path}"

    def begin_case(self) -> None:
        """No file, no pause."""
        self.files.clear()
        self.pause_s = 0.0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path = head.split(" ", 2)[:2]
            if method != "GET":
                await _answer(writer, 405)
            elif path not in self.files:
                await _answer(writer, 404)
            else:
                pause_s, self.pause_s = self.pause_s, 0.0
                await _send(writer, self.files[path], head, pause_s)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # a client that goes away, or one that does not speak HTTP
        finally:
            writer.close()


async def _send(writer: asyncio.StreamWriter, data: bytes, head: str, pause_s: float) -> None:
    """The file, or what the range asks for."""
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
