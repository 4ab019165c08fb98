"""What the bench asks of each process that it keeps alive, on this computer (`hil.bench.children`) or in virtual time (`hil.virtual.child`)."""

from __future__ import annotations

import signal
from typing import Protocol


class KeptProcess(Protocol):
    """Started by `run`, started again when it dies, ended by `stop`."""

    name: str
    starts: int
    """How many lives it has begun."""

    @property
    def pid(self) -> int | None:
        """Of its present life; None while it has none."""

    async def run(self) -> None:
        """Keep it alive until `stop`."""

    def kill(self, number: signal.Signals, *, restart: bool = True) -> None:
        """Send SIGTERM, SIGKILL, SIGSTOP or SIGCONT. `restart` False: the process stays away when it ends."""

    async def stop(self) -> None:
        """End it in order, or by force where it takes too long. It does not start again."""

    def rss_MB(self) -> float | None:
        """Its resident memory now; None where it has none of its own, or does not live."""
