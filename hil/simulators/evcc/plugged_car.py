"""A car from plug to unplug: it holds one session after another, as often as the station calls it with the pilot.

A session may end early: the station refused the card, tripped, or closed the connection. The car then keeps its plug in and
watches the pilot. When 5 % duty has gone away and comes back, the car starts discovery and a new session. A car whose
battery is full, or whose driver wants to leave, starts no session any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hil.simulators.evcc.body import CarBody, is_digital
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.progress import Progress
from hil.simulators.line_socket import Refused

FULL_PERCENT = 100.0
PILOT_LOOK_S = 0.05


@dataclass(slots=True)
class PilotCall:
    """Decides whether the pilot calls a car whose session is over. One object serves one waiting time."""

    gone: bool = False
    """5 % duty has been away since the session ended."""

    def see(self, *, digital: bool) -> bool:
        """Take one reading of the pilot; True when 5 % duty (`digital`) is back after it was away."""
        if not digital:
            self.gone = True
        return digital and self.gone


class PluggedCar:
    """Run `run` in a task from plug to unplug. `progress` is the present session's, or the last one's."""

    def __init__(self, body: CarBody, new_session: Callable[[], Drive]) -> None:
        self._body = body
        self._new_session = new_session
        self._drive = new_session()
        self._leaving = False
        self.sessions = 0
        """How many sessions were begun."""

    @property
    def progress(self) -> Progress:
        """What the present or the last session has seen; its phase is `waiting` while the car waits for a call."""
        return self._drive.progress

    @property
    def drive(self) -> Drive:
        """The present session, or the last one."""
        return self._drive

    def stop(self) -> None:
        """The driver wants to leave: the session ends after its present step, and no further session begins."""
        self._leaving = True
        self._drive.stop()

    async def run(self) -> Progress:
        """Until `stop`, or until the battery is full when a session has ended."""
        while True:
            self.sessions += 1
            await self._drive.run()
            if self._leaving or not await self._wait_for_call():
                return self.progress
            self._drive = self._new_session()

    async def _wait_for_call(self) -> bool:
        """Whether the station calls again; False when the car has finished."""
        self.progress.phase = "waiting"
        call = PilotCall()
        while not self._leaving:
            try:
                seen = await self._body.measure()
            except Refused:  # the plant is starting again
                await asyncio.sleep(PILOT_LOOK_S)
                continue
            if seen.soc_percent >= FULL_PERCENT:
                self.progress.phase = "full"
                return False
            if call.see(digital=is_digital(seen)):
                return True
            await asyncio.sleep(PILOT_LOOK_S)
        return False
