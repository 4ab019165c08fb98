"""What the two processes take from the computer they run on: clocks, chance, signals, threads, real-time rights.

A bench in virtual time gives them a host of its own. Then both processes run inside the bench, and its clock is theirs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chargepoint.app.clock import SystemClock
from chargepoint.model.random_ids import RandomBytes
from chargepoint.ports import Clock
from chargepoint.power.cycle_time import SYSTEM_TIME, CycleTime

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _boot_id_of_computer() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


@dataclass(frozen=True, slots=True)
class RunsOn:
    """Without arguments: this computer, with a process for each of the two."""

    clock: Clock = field(default_factory=SystemClock)
    cycle_time: CycleTime = SYSTEM_TIME
    """How the power process's loop measures time and waits. The same monotonic clock as `clock`."""
    boot_id: Callable[[], str] = _boot_id_of_computer
    """Another text after each start of the computer: what a power cut ended is not what a restart ended."""
    random_bytes: RandomBytes = secrets.token_bytes
    """Where ids, challenges and keys come from. Only a bench gives another one, whose bytes can be repeated."""
    on_stop: Callable[[Callable[[], None]], None] | None = None
    """Takes the function that ends this process in order. None: SIGTERM and SIGINT call it."""

    @property
    def is_computer(self) -> bool:
        """The process is one of its own: it takes signals, real-time rights and the hardware lock, and writes by threads."""
        return self.on_stop is None
