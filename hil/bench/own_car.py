"""The bench's own car at one EVSE: plugged in, talking, unplugged."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import Any

from chargepoint.security.tls import evcc_context
from hil.attach.cable import CarCable
from hil.bench.site import Choices
from hil.bench.spec_value import spec_value
from hil.clock import now_s
from hil.simulators.evcc.body import AcOutletBody, CarBody, PlantBody
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.plan import plan_from
from hil.simulators.evcc.plugged_car import PluggedCar
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.wallet import credentials_of
from hil.simulators.line_socket import LineSocket, Refused
from hil.simulators.relay import Relay

LOOP_TIMEOUT_S = 2.0
"""The standard's car gives up after 0.5 s without an answer; the bench's car shares a computer with the station."""
CHARGER_DISCHARGE_W = 10_000.0
"""What the on-board charger of the AC car gives back, enough for the story."""
_OF_BOTH = ("capacity_Wh", "voltage_max_V", "voltage_min_V")
"""What the car says and its body on the plant is."""


class OwnCar:
    """One car and its plug."""

    def __init__(
        self, evse: int, cable: CarCable, choices: Choices, plant: LineSocket, relay: Relay | None = None
    ) -> None:
        self.evse = evse
        self._cable = cable
        self._choices = choices
        self._plant = plant
        self._relay = relay
        self.flawed_tls: Callable[[], ssl.SSLContext] | None = None
        """Makes what the car's next sessions show in place of the good keys; None: these."""
        spec: dict[str, Any] = {
            "control_mode": choices.control_mode,
            "loop_timeout_s": LOOP_TIMEOUT_S,
            "charger_discharge_max_W": CHARGER_DISCHARGE_W,
        }
        self.spec = CarSpec(**spec | ({} if choices.car is None else choices.car.spec))
        self._first_spec = asdict(self.spec)
        self._plain_plan: dict[str, Any] = {"energy": ["AC"]} if choices.ac else {}
        if choices.car is not None:
            self._plain_plan = choices.car.plan_data
        self.plan = plan_from({**self._plain_plan, **choices.plan})
        """What the car's next sessions do."""
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

    async def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of the EVCC (`CarSpec`) go to the car that talks, the rest to its body on the plant. Returns both as they are now.

        All of them, or none: nothing is changed when one is refused. Raises Refused.
        """
        known = {field.name for field in fields(CarSpec)}
        body: dict[str, Any] = {"do": "car", "evse": self.evse}
        changes: dict[str, Any] = {}
        for key, value in wanted.items():
            if key in known:
                changes[key] = spec_value(key, value, type(getattr(self.spec, key)))
            if key not in known or key in _OF_BOTH:
                body[key] = value
        measured = await self._plant.ask(body)
        for key, value in changes.items():
            setattr(self.spec, key, value)
        return {"spec": asdict(self.spec), "body": measured}

    def change_plan(self, plan: object) -> dict[str, Any]:
        """What the car's next sessions do, as `docs/virtual-car.md` describes; an empty plan: the plain session again.

        Raises Refused, or PlanError with what is wrong.
        """
        if not isinstance(plan, dict):
            raise Refused(f'plan = {plan!r}: an object, like {{"energy": ["DC"]}}')
        self.plan = plan_from({**self._plain_plan, **plan})
        return asdict(self.plan)

    def begin_again(self) -> None:
        """Specification and plan are those of the beginning, for the next session on."""
        self.spec = CarSpec(**self._first_spec)
        self.plan = plan_from({**self._plain_plan, **self._choices.plan})

    def misbehave(self, misbehaviours: Sequence[Mapping[str, Any]]) -> None:
        """The bench's plan with these misbehaviours. Raises PlanError."""
        plan = {**self._plain_plan, **self._choices.plan, "misbehaviours": list(misbehaviours)}
        self.plan = plan_from(plan)

    async def plug(self) -> None:
        """Plug the car in; it starts to talk as soon as the pilot shows 5 %, and again each time the station calls it.

        Raises Refused where the car is plugged in already.
        """
        if self._task is not None and not self._task.done():
            if (await self._plant.ask({"do": "state", "evse": self.evse}))["plugged"]:
                raise Refused("the car is already plugged in")
            await self.forget()  # pulled by force while it waited for a pilot
        await self._plant.ask({"do": "plug", "evse": self.evse})
        part = self._choices.attached.car.get(self.evse)
        keys = (part.keys if part is not None else None) or self._choices.folder / "pki"
        tls = (lambda: (self.flawed_tls or partial(evcc_context, keys))()) if self._choices.tls else lambda: None
        credentials = credentials_of(keys)
        body = AcOutletBody(self._plant, self.evse) if self._choices.ac else PlantBody(self._plant, self.evse)
        self._car = PluggedCar(body, lambda: self._new_session(body, tls, credentials))
        self._task = asyncio.create_task(self._car.run(), name=f"car-{self.evse}")

    def _new_session(
        self, body: CarBody, tls: Callable[[], ssl.SSLContext | None], credentials: Credentials | None
    ) -> Drive:
        sdp_port = self._choices.sdp_port
        return Drive(
            self.spec,
            body,
            self._cable.car,
            tls(),
            sdp_port,
            plan=self.plan,
            credentials=credentials,
            relay=self._relay,
        )

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
