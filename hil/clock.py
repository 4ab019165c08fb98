"""The bench's clocks: those of the event loop it runs in, real or virtual. Nothing in the bench asks the computer for the time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hil.virtual.loop import VirtualLoop


def now_s() -> float:
    """Monotonic seconds. In a real loop the same clock as the controller's processes have."""
    return asyncio.get_running_loop().time()


def utc() -> datetime:
    """Aware UTC."""
    loop = asyncio.get_running_loop()
    return loop.utc() if isinstance(loop, VirtualLoop) else datetime.now(UTC)
