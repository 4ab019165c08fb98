"""A real car that a person plugs in: the bench asks for it, and waits until the station sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hil.attach.operator import ask_person
from hil.clock import now_s
from hil.simulators.line_socket import LineSocket, Refused

PATIENCE_S = 180.0
LOOK_S = 0.2


class PersonCar:
    """One real car at one EVSE. The bench sees of it what the station reports."""

    progress = None
    core = None
    exchange = None
    sessions = 0

    def __init__(self, evse: int, status: LineSocket, note: Callable[[str], None]) -> None:
        """`note`: a line for people; the request to the person goes there."""
        self.evse = evse
        self._status = status
        self._note = note

    async def plug(self) -> None:
        """Raises Refused where the station sees no car after `PATIENCE_S`."""
        await self._until(f"please plug the car in at EVSE {self.evse}", plugged=True)

    async def unplug(self, patience_s: float) -> None:
        """Raises Refused where the station still sees the car after `PATIENCE_S`."""
        words = f"please end the session in the car at EVSE {self.evse} and pull the plug when it lets go"
        await self._until(words, plugged=False)

    async def pull_plug(self) -> None:
        """Refused: nobody is asked to pull a plug under current."""
        raise Refused(f"the car at EVSE {self.evse} is a real one: nobody pulls its plug under current")

    async def forget(self) -> None:
        """Nothing to let go."""

    def end_session(self) -> None:
        """Refused: that is the driver's own doing."""
        raise Refused(f"the car at EVSE {self.evse} is a real one: end the session in the car")

    async def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Refused."""
        raise Refused(f"the car at EVSE {self.evse} is a real one: nothing of it is changed from here")

    def change_plan(self, plan: object) -> dict[str, Any]:
        """Refused but for an empty plan."""
        if plan:
            raise Refused(f"plan = {plan!r}: the car at EVSE {self.evse} is a real one")
        return {}

    def misbehave(self, misbehaviours: Sequence[Mapping[str, Any]]) -> None:
        """Refused but for none."""
        if misbehaviours:
            raise Refused(f"the car at EVSE {self.evse} is a real one: it misbehaves as it likes")

    async def _until(self, words: str, *, plugged: bool) -> None:
        self._note(words)
        ask_person(words)
        until_s = now_s() + PATIENCE_S
        while True:
            status = await self._status.ask({"do": "status"})
            if status["evses"][str(self.evse)]["plugged"] is plugged:
                return
            if now_s() > until_s:
                raise Refused(f"{words}: nothing happened within {PATIENCE_S:g} s")
            await asyncio.sleep(LOOK_S)
