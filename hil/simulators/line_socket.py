"""JSON lines to a Unix socket: one request, one answer, in order. Used towards plant, daemon and steering."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

ANSWER_TIMEOUT_S = 5.0
LINE_MAX_BYTES = 1 << 20


class Refused(RuntimeError):
    """The other side refused, or is gone."""


class LineSocket:
    """A client that connects when first asked and again after a loss."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer; raises Refused with the other side's own words."""
        try:
            async with self._lock, asyncio.timeout(ANSWER_TIMEOUT_S):
                line = await self._exchange(json.dumps(request).encode() + b"\n")
        except (OSError, TimeoutError) as error:
            self._streams = None
            raise Refused(f"{self._path}: {error or 'no answer'}") from error
        if not line:
            self._streams = None
            raise Refused("the other side closed the socket")
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ok"):
            raise Refused(_sentence(answer.get("error")))
        return answer

    async def _exchange(self, line: bytes) -> bytes:
        if self._streams is not None and (self._streams[0].at_eof() or self._streams[0].exception() is not None):
            await self.close()  # the other side was started again meanwhile, or closes what is idle, as the daemon does
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(str(self._path), limit=LINE_MAX_BYTES)
        reader, writer = self._streams
        writer.write(line)
        await writer.drain()
        return await reader.readline()

    async def close(self) -> None:
        """Give the connection back."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _sentence(error: object) -> str:
    """The plant's refusals have parts (`hil.simulators.requests.RequestRefused`), others are text."""
    if not isinstance(error, dict):
        return str(error)
    return f"{error.get('where')} = {error.get('value')!r}: {error.get('what')}, {error.get('bound')}; {error.get('remedy')}"
