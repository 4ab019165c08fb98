"""Ten random moments of `./run bench faults`: the power process is killed, stopped or cut off, and nothing closes again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bench.faults import measure


def test_ten_random_moments(tmp_path: Path) -> None:
    found = asyncio.run(measure(tmp_path, 10, 3))
    assert found["faults"] == []
    assert sum(count for name, count in found["counts"].items() if name != "latches kept") == 10
