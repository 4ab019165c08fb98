"""A simulated card reader alone: a pseudo-terminal, and a line on standard input for each card that is held to it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from hil.simulators.input_lines import lines_of
from hil.simulators.pn532 import Pn532Wire
from hil.simulators.wire import TokenWire

KINDS: dict[str, type[TokenWire | Pn532Wire]] = {"line": TokenWire, "pn532": Pn532Wire}


async def serve_reader(kind: str, port: Path) -> None:
    """Until SIGTERM or SIGINT. Each line of standard input is a UID in hexadecimal; its end is no end of the reader.

    Raises OSError or FileExistsError where the link cannot be made.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    reader = KINDS[kind]("reader", port)
    reader.start()
    try:
        _print(ready=True, port=str(port), kind=kind)
        showing = asyncio.ensure_future(_show(reader, await lines_of(sys.stdin)))
        await ended.wait()
        showing.cancel()
    finally:
        reader.stop()


async def _show(reader: TokenWire | Pn532Wire, lines: asyncio.StreamReader) -> None:
    while line := await lines.readline():
        token = line.decode("ascii", "replace").strip()
        try:
            bytes.fromhex(token)
            reader.present(token)
        except ValueError:
            _print(error=f"{token!r}: a card is a UID in hexadecimal, like 04A2B3C4D5E6F7")
        else:
            _print(shown=token)


def _print(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()
