"""The bench's own car at one EVSE: plugged in, talking, unplugged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from chargepoint.security.tls import evcc_context
from hil.bench.site import CarCable, Choices
from hil.clock import now_s
from hil.simulators.evcc.body import AcOutletBody, PlantBody
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.plugged_car import PluggedCar
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.wallet import credentials_of
from hil.simulators.line_socket import LineSocket, Refused


class OwnCar:
    """One car and its plug. `new_session` makes the car's next session for this body, interface and keys."""

    def __init__(
        self, evse: int, cable: CarCable, choices: Choices, plant: LineSocket, new_session: Callable[..., Drive]
    ) -> None:
        self.evse = evse
        self._cable = cable
        self._choices = choices
        self._plant = plant
        self._new_session = new_session
        self._car: PluggedCar | None = None
        self._task: asyncio.Task[Progress] | None = None

    @property
    def progress(self) -> Progress | None:
        """What the car's present or last session has seen; None before the first plug-in."""
        return None if self._car is None else self._car.progress

    @property
    def sessions(self) -> int:
        """How many sessions the car began since it was plugged in last."""
        return 0 if self._car is None else self._car.sessions

    @property
    def core(self) -> CarCore | None:
        """The car's present or last session, for measurements; None before the first plug-in."""
        return None if self._car is None else self._car.drive.core

    @property
    def exchange(self) -> dict[str, Any] | None:
        """The car's present or last session: codes of the answers, and what broke the standard. None before the first."""
        if self._car is None:
            return None
        core = self._car.drive.core
        codes = [{"name": name, "code": code, "count": count} for (name, code), count in core.log.codes().items()]
        return {"answers": codes, "violations": core.violations}

    async def plug(self) -> None:
        """Plug the car in; it starts to talk as soon as the pilot shows 5 %, and again each time the station calls it.

        Raises Refused where the car is plugged in already.
        """
        if self._task is not None and not self._task.done():
            if (await self._plant.ask({"do": "state", "evse": self.evse}))["plugged"]:
                raise Refused("the car is already plugged in")
            await self.forget()  # pulled by force while it waited for a pilot
        await self._plant.ask({"do": "plug", "evse": self.evse})
        keys = self._choices.folder / "pki"
        tls = evcc_context(keys) if self._choices.tls else None
        credentials = credentials_of(keys)
        body = AcOutletBody(self._plant, self.evse) if self._choices.ac else PlantBody(self._plant, self.evse)
        self._car = PluggedCar(body, lambda: self._new_session(body, self._cable.car, tls, credentials))
        self._task = asyncio.create_task(self._car.run(), name=f"car-{self.evse}")

    async def forget(self) -> None:
        """End the car's task at once, whatever it does."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def unplug(self, patience_s: float) -> None:
        """Let the car end its session, then pull the plug (the connector unlocks when it is safe).

        Raises Refused where the connector is still locked after `patience_s`.
        """
        if self._car is not None and self._task is not None:
            self._car.stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await asyncio.shield(self._task)
        until_s = now_s() + patience_s
        while True:
            try:
                await self._plant.ask({"do": "unplug", "evse": self.evse})
                return
            except Refused:
                if now_s() > until_s:
                    raise
                await asyncio.sleep(0.05)

    def end_session(self) -> None:
        """The car ends its session and stays plugged in. Nothing happens where no car talks."""
        if self._car is not None:
            self._car.stop()

    async def pull_plug(self) -> None:
        """Pull the plug by force, whatever flows."""
        await self._plant.ask({"do": "unplug", "evse": self.evse, "force": True})
        if self._car is not None:
            self._car.stop()
