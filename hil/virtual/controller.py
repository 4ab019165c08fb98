"""The controller under test inside the bench: both of its processes, from their own entry points, in virtual time.

This is the only place of the bench that names the controller's processes. Everything else of the bench meets them on wires.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from chargepoint.app import power_process
from chargepoint.app.runs_on import RunsOn
from chargepoint.app.wiring import Daemon
from chargepoint.iso15118.exi.codec import preload
from chargepoint.iso15118.exi.namespaces import NS_AC, NS_CM, NS_DC, NS_DIN, NS_ISO2, NS_SAP
from chargepoint.power.cycle_time import CycleTime
from hil.simulators.wired_plant import read_config
from hil.virtual.child import Stop
from hil.virtual.loop import VirtualLoop
from hil.virtual.stepped import SteppedProgram

log = logging.getLogger("bench")


def prepare() -> None:
    """Import what both processes import at their first need. A run that is forked from here on finds it there."""
    preload(NS_SAP, NS_CM, NS_DC, NS_AC, NS_ISO2, NS_DIN)


class VirtualClock:
    """The computer's two clocks: the loop's time to decide, and a UTC that may be set wrong."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.ahead_s = 0.0
        """How far the computer's UTC is ahead of the true one."""

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return self._loop.time()

    def utc(self) -> datetime:
        """Aware UTC, as far as the computer knows it."""
        return self._loop.utc() + timedelta(seconds=self.ahead_s)


class VirtualComputer:
    """The board that the controller runs on. Its chance is that of `random`: whoever seeds that can repeat a run."""

    def __init__(self, loop: VirtualLoop, site: Path) -> None:
        """`site`: the controller's configuration file."""
        self._loop = loop
        self._site = site
        self.clock = VirtualClock(loop)
        self.boots = 1
        """After a power cut add one: the daemon sees that the computer started anew."""
        self.suspended_s = 0.0
        """How long the computer slept since it started; its monotonic clock stopped meanwhile."""

    async def power(self, take_stop: Callable[[Stop], None]) -> None:
        """The power process, from start to end."""
        program = SteppedProgram(self._loop)
        time = CycleTime(self._loop.time, self._loop.time, lambda: self.suspended_s, program.wait, program.pause)
        host = RunsOn(self.clock, time, self._boot_id, random.randbytes, take_stop)
        config = read_config(self._site)
        await program.run(lambda: power_process.run(config, host))

    async def daemon(self, take_stop: Callable[[Stop], None]) -> None:
        """The daemon, from start to end."""
        await Daemon(
            read_config(self._site),
            RunsOn(self.clock, boot_id=self._boot_id, random_bytes=random.randbytes, on_stop=take_stop),
        ).run()

    def _boot_id(self) -> str:
        return f"boot-{self.boots}"
