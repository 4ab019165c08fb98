"""What must wait for the disk or the central system, done one after the other in the order it was made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chargepoint.store.errors import StoreError

WORK_MAX = 1000
"""More than this waiting, and status and journal are dropped; records of transactions never are (about one a minute)."""

Work = Callable[[], Awaitable[None]]


class WorkQueue:
    """One EVSE's queue. Work that the store refuses is logged and given up; work that must not be lost tries again itself."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._busy = False

    @property
    def empty(self) -> bool:
        """True when no work waits or runs."""
        return self._queue.empty() and not self._busy

    def add(self, work: Work) -> None:
        """Do this work after the work that waits already. Where too much waits, the work is dropped with a line in the log."""
        if self._queue.qsize() >= WORK_MAX:
            self._log.error("! %d things wait to be stored; the disk does not keep up", WORK_MAX)
        else:
            self._queue.put_nowait(work)

    def add_always(self, work: Work) -> None:
        """As `add`, but this work is never dropped. Use it for what is billed."""
        self._queue.put_nowait(work)

    async def run(self) -> None:
        """Do the work in order, until cancelled."""
        while True:
            work = await self._queue.get()
            self._busy = True
            try:
                await work()
            except StoreError as error:
                self._log.error("! %s", error)
            finally:
                self._busy = False
