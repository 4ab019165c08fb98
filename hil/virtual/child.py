"""A virtual process that is kept alive as systemd would: what `hil.bench.children.Child` is for a process of the computer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from hil.virtual.loop import VirtualLoop
from hil.virtual.process import VirtualProcess

RESTART_S = 0.3
STOP_PATIENCE_S = 6.0

Stop = Callable[[], None]
Main = Callable[[Callable[[Stop], None]], Coroutine[Any, Any, None]]
"""The main coroutine of one life. It is given a function that takes what ends it in order."""

log = logging.getLogger("bench")


class VirtualChild:
    """Started, started again when it dies, ended on purpose. Takes SIGTERM, SIGKILL, SIGSTOP and SIGCONT."""

    def __init__(
        self,
        name: str,
        main: Main,
        loop: VirtualLoop,
        note: Callable[[str], None],
        *,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """`ended` is called after each end. `note`: a line for people."""
        self.name = name
        self._main = main
        self._loop = loop
        self._note = note
        self._ended = ended
        self._process: VirtualProcess | None = None
        self._stop: Stop | None = None
        self._killed = asyncio.Event()
        self._stopping = False
        self._stays_down_s = RESTART_S
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Its life's number; None while it does not live. No process of the computer has it."""
        return self.starts if self._process is not None and not self._process.dead else None

    async def run(self) -> None:
        """Keep it alive until `stop`."""
        while not self._stopping:
            self._killed.clear()
            self._stop = None
            process = self._process = VirtualProcess(self.name, self._loop)
            self.starts += 1
            living = process.start(self._main(self._take_stop))
            killed = self._loop.create_task(self._killed.wait())
            await asyncio.wait((living, killed), return_when=asyncio.FIRST_COMPLETED)
            killed.cancel()
            how = "signal SIGKILL"
            if not process.dead:
                how = _ending(living)
                process.kill()  # what it left running, and its sockets
            if self._ended is not None:
                self._ended()
            if self._stopping:
                return
            self._note(f"{self.name} ended{how}; it starts again" if not how else f"{self.name} ended with {how}")
            down_s, self._stays_down_s = self._stays_down_s, RESTART_S
            await asyncio.sleep(down_s)

    def kill(self, number: signal.Signals, *, restart: bool = True) -> None:
        """Send a signal. `restart` False: the process stays away when it ends."""
        self._stopping = self._stopping or not restart
        process = self._process
        if process is None or process.dead:
            return
        match number:
            case signal.SIGKILL:
                process.kill()
                self._killed.set()
            case signal.SIGSTOP:
                process.stop()
            case signal.SIGCONT:
                process.go_on()
            case signal.SIGTERM:
                self._end_in_order(process)
            case _:
                raise ValueError(f"signal {number.name}: SIGTERM, SIGKILL, SIGSTOP or SIGCONT")

    def down_for(self, for_s: float) -> None:
        """As SIGKILL, and it starts again after this time: its computer has no power meanwhile."""
        self._stays_down_s = for_s
        self.kill(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, patience, SIGKILL."""
        self._stopping = True
        process = self._process
        if process is None or process.dead or process.task is None:
            return
        self._end_in_order(process)
        await asyncio.wait((process.task,), timeout=STOP_PATIENCE_S)
        if not process.task.done():
            self.kill(signal.SIGKILL)

    def rss_MB(self) -> float | None:
        """It has no memory of its own."""
        return None

    def _take_stop(self, stop: Stop) -> None:
        self._stop = stop

    def _end_in_order(self, process: VirtualProcess) -> None:
        if self._stop is not None:
            self._loop.call_soon(self._stop, context=process.enter())
        else:
            self.kill(signal.SIGKILL)  # it has not begun to listen


def _ending(task: asyncio.Task[None]) -> str:
    """How it ended by itself; empty where in order."""
    with contextlib.suppress(asyncio.CancelledError):
        error = task.exception()
        if error is not None:
            log.error("! %s", error, exc_info=error)
            return f"{type(error).__name__}: {error}"
    return ""
