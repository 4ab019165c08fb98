"""The bench's clocks: those of the event loop it runs in, real or virtual. Nothing else in the bench asks the computer for the time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from hil.virtual.loop import VirtualLoop


def now_s() -> float:
    """Monotonic seconds. In a real loop, and outside of any, the same clock as the controller's processes have."""
    loop = _loop()
    return time.monotonic() if loop is None else loop.time()


def utc() -> datetime:
    """Aware UTC."""
    loop = _loop()
    return loop.utc() if isinstance(loop, VirtualLoop) else datetime.now(UTC)


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
