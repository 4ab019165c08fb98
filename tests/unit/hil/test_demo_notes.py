"""Notes as lines: each is printed once, also after more of them than the bench keeps."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path

from rich.console import Console

from hil.bench.bench import Bench
from hil.bench.site import Choices
from hil.demo.command import _print_notes


async def test_every_note_is_printed_once(tmp_path: Path) -> None:
    bench, out = Bench(Choices(tmp_path)), io.StringIO()
    printing = asyncio.create_task(_print_notes(bench, Console(file=out, width=80)))
    count = 0
    for burst in (150, 150, 1, 100):
        for _ in range(burst):
            bench.note(f"note number {count} {'x' * 80}")
            count += 1
        await asyncio.sleep(0.3)
    printing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await printing
    lines = out.getvalue().splitlines()
    assert [line.split("number ")[1].split()[0] for line in lines] == [str(number) for number in range(count)]
