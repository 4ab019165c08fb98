"""The log server of the certification suite: what it takes, what it refuses, and an upload that it leaves unanswered."""

from __future__ import annotations

import asyncio

import pytest

from hil.certification.log_server import LogServer, Upload

LOG = b"line 1\nline 2\n"


async def exchange(server: LogServer, *pieces: bytes) -> bytes:
    """Send these bytes; everything that comes back until the server closes."""
    host, _, port = server.url("").removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: bench", *headers, "", ""]).encode()


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_file_in_the_folder_is_kept(method: str) -> None:
    async with LogServer() as server:
        answer = await exchange(server, head(method, "/logs/a.txt", f"Content-Length: {len(LOG)}"), LOG)
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert server.uploads == [Upload(method, "/logs/a.txt", LOG)]


async def test_a_file_in_pieces_is_put_together() -> None:
    pieces = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (LOG[:3], LOG[3:]))
    async with LogServer() as server:
        request = head("PUT", "/logs/a.txt", "Transfer-Encoding: chunked", "Expect: 100-continue")
        answer = await exchange(server, request, pieces + b"0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 100 Continue") and b"201 Created" in answer
        assert [upload.content for upload in server.uploads] == [LOG]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/nowhere/a.txt", b"404"), ("GET", "/logs/a.txt", b"405")]
)
async def test_anything_else_is_refused_and_counted(method: str, path: str, status: bytes) -> None:
    async with LogServer() as server:
        answer = await exchange(server, head(method, path, "Content-Length: 0"))
        assert answer.split(b" ")[1] == status
        assert (server.attempts, server.uploads) == (1, [])


async def test_one_upload_is_left_unanswered_and_the_next_one_is_taken() -> None:
    async with LogServer() as server:
        server.answers = False
        request = head("PUT", "/logs/a.txt", f"Content-Length: {len(LOG)}") + LOG
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await exchange(server, request)
        assert server.uploads == []
        assert (await exchange(server, request)).startswith(b"HTTP/1.1 201 ")
        assert len(server.uploads) == 1


@pytest.mark.parametrize("length", ["-1", "99999999999", "many"])
async def test_a_length_that_cannot_be_is_no_upload(length: str) -> None:
    async with LogServer() as server:
        assert await exchange(server, head("PUT", "/logs/a.txt", f"Content-Length: {length}")) == b""
        assert server.uploads == []
