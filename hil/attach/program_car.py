"""A car whose EVCC is somebody else's program: the plant plays plug, pilot and contactors, and the program talks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hil.attach.bench_file import CarPart
from hil.attach.cable import CarCable
from hil.clock import now_s
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.line_socket import LineSocket, Refused

FAILS_AT_ONCE_S = 0.5
"""A program that cannot be started in its namespace, or with its arguments, ends within this."""


class ProgramCar:
    """One outside EVCC at one EVSE. It is started by each `plug` and ended by `unplug`, if it has not ended by itself."""

    progress = None
    core = None
    exchange = None

    def __init__(
        self,
        evse: int,
        cable: CarCable,
        part: CarPart,
        plant: LineSocket,
        log: Path,
        note: Callable[[str], None],
    ) -> None:
        """`log`: what the program prints. `note`: a line for people."""
        self.evse = evse
        self.sessions = 0
        self._cable = cable
        self._part = part
        self._plant = plant
        self._log = log
        self._note = note
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    async def plug(self) -> None:
        """Plug in, and start the program. Raises Refused where it runs already, or cannot be started."""
        if self._running:
            raise Refused(f"the car at EVSE {self.evse} is already plugged in, and its program runs")
        await self._plant.ask({"do": "car_auto", "evse": self.evse, "on": True, "follows": True})
        self._log.parent.mkdir(parents=True, exist_ok=True)
        words = [word.replace("{interface}", self._cable.car) for word in self._part.program]
        added = {key: text.replace("{interface}", self._cable.car) for key, text in self._part.environment.items()}
        if self._cable.namespace:
            words = ["ip", "netns", "exec", self._cable.namespace, *words]
        try:
            with self._log.open("ab") as out:
                self._process = await asyncio.create_subprocess_exec(
                    *words, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                    env={**os.environ, **added}, cwd=self._part.folder, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            await self.pull_plug()
            raise Refused(
                f"car.{self.evse}.program = {words[0]!r}: {error.strerror}; correct the bench file"
            ) from error
        self.sessions += 1
        self._watching = asyncio.create_task(self._watch(self._process), name=f"car-{self.evse}")
        await asyncio.wait((self._watching,), timeout=FAILS_AT_ONCE_S)
        if self._process.returncode not in (None, 0):
            await self.pull_plug()
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            raise Refused(
                f"the car's program at EVSE {self.evse} ended at once with exit code {self._process.returncode}: "
                f"{''.join(last)[:300]}; correct the bench file, or see {self._log}"
            )

    async def unplug(self, patience_s: float) -> None:
        """Ask the program to end, then pull the plug when the lock lets go. Raises Refused where it stays locked for `patience_s`."""
        self.end_session()
        await self._ended(patience_s)
        until_s = now_s() + patience_s
        while True:
            try:
                await self._plant.ask({"do": "unplug", "evse": self.evse})
                break
            except Refused:
                if now_s() > until_s:
                    raise
                await asyncio.sleep(0.05)
        await self._leave()

    async def pull_plug(self) -> None:
        """Pull the plug by force; the program is ended."""
        await self._plant.ask({"do": "unplug", "evse": self.evse, "force": True})
        await self._leave()
        self.end_session()

    async def forget(self) -> None:
        """End the program at once, whatever it does."""
        if self._process is not None and self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._watching is not None:
            await self._watching

    def end_session(self) -> None:
        """Send the program its signal; nothing where it has ended."""
        if self._process is not None and self._running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.Signals[self._part.ends_by])

    async def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Its body on the plant alone. Raises Refused for a field of the EVCC."""
        own = sorted(wanted.keys() & {field.name for field in fields(CarSpec)} - {"capacity_Wh"})
        if own:
            raise Refused(f"{own[0]} = {wanted[own[0]]!r}: {self._own_way}")
        return {"spec": {}, "body": await self._plant.ask({"do": "car", "evse": self.evse, **wanted})}

    def change_plan(self, plan: object) -> dict[str, Any]:
        """Raises Refused: it has none of ours."""
        if plan:
            raise Refused(f"plan = {plan!r}: {self._own_way}")
        return {}

    def misbehave(self, misbehaviours: Sequence[Mapping[str, Any]]) -> None:
        """Raises Refused: our cars misbehave on demand, others do not."""
        if misbehaviours:
            raise Refused(f"misbehaviours = {list(misbehaviours)!r}: {self._own_way}")

    @property
    def _own_way(self) -> str:
        return f"the car at EVSE {self.evse} is a program; change its own configuration, or take a simulated car"

    @property
    def _running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _leave(self) -> None:
        with contextlib.suppress(Refused):
            await self._plant.ask({"do": "car_auto", "evse": self.evse, "on": False})

    async def _ended(self, patience_s: float) -> None:
        """Wait for the program's end; after the patience it is killed."""
        if self._watching is None:
            return
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.shield(self._watching)
        except TimeoutError:
            self._note(f"the car's program at EVSE {self.evse} did not end after {self._part.ends_by}: it is killed")
            await self.forget()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        self._note(f"the car's program at EVSE {self.evse} ended with {how}; see {self._log}")
