"""Standard input as a stream of lines for an event loop: a pipe, a terminal, a file or /dev/null."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import IO


async def lines_of(source: IO[str]) -> asyncio.StreamReader:
    """The lines of `source` as they come. A file, and /dev/null, cannot be waited for: all of it is there at once."""
    lines = asyncio.StreamReader()
    mode = os.fstat(source.fileno()).st_mode
    if stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not source.isatty()):
        lines.feed_data(source.read().encode())
        lines.feed_eof()
    else:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), source)
    return lines
