"""A request to end, where the MQTT library loses it."""

from __future__ import annotations

import asyncio


def end_if_cancelled() -> None:
    """Raise `asyncio.CancelledError` where this task was asked to end. Call it after each wait of the library.

    `asyncio.wait_for` of Python 3.11 returns a result that comes in the same turn as a cancellation, and drops the cancellation.
    The library's way out of a broken connection raises its own error in the place of it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
