"""Child processes as systemd would keep them: started, logged, started again when they die, ended on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

RESTART_S = 0.3
STOP_PATIENCE_S = 6.0
_PR_SET_PDEATHSIG = 1


class Child:
    """One process: `python -m MODULE ARGUMENTS`, its output in a log file."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        log: Path,
        note: Callable[[str], None],
        *,
        ended: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._log = log
        self._note = note
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def run(self) -> None:
        """Keep it alive until `stop`. A configuration it refuses (exit 78) is not tried again."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        while not self._stopping:
            with self._log.open("ab") as out:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", *self._arguments, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                    start_new_session=True, preexec_fn=_end_with_parent,
                )  # fmt: skip
            self.starts += 1
            code = await self._process.wait()
            if self._ended is not None:
                self._ended()
            if self._stopping:
                return
            if code == 0:
                self._note(f"{self.name} ended in order, as a reset asks it to; it starts again")
            else:
                self._note(f"{self.name} ended with {_ending(code)}; see {self._log}")
            if code == os.EX_CONFIG:
                raise RuntimeError(f"{self.name} refuses its configuration; see {self._log}")
            await asyncio.sleep(RESTART_S)

    def kill(self, number: signal.Signals, *, restart: bool = True) -> None:
        """Send a signal, as a test of what follows. `restart` False: the process stays away when it ends."""
        self._stopping = self._stopping or not restart
        if self.pid is not None:
            os.kill(self.pid, number)

    async def stop(self) -> None:
        """SIGTERM, patience, SIGKILL."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_PATIENCE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def rss_MB(self) -> float | None:
        """Resident memory now, from /proc."""
        if self.pid is None:
            return None
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), None)


def _end_with_parent() -> None:
    """In the child: SIGTERM when the demo dies, however it dies (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
