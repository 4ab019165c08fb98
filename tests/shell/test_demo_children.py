"""The demo's child processes: what happens between an end and the next start."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hil.bench.children import Child


async def test_the_end_of_a_process_is_noticed_before_it_starts_again(tmp_path: Path) -> None:
    ends: list[int] = []
    notes: list[str] = []
    child = Child(
        "plant",
        ["timeit", "-n", "1", "pass"],
        tmp_path / "plant.log",
        notes.append,
        ended=lambda: ends.append(child.starts),
    )
    running = asyncio.create_task(child.run())
    async with asyncio.timeout(30):
        while len(ends) < 2:
            await asyncio.sleep(0.01)
    await child.stop()
    await running
    assert ends[:2] == [1, 2]
    assert notes[0] == "plant ended in order, as a reset asks it to; it starts again"
