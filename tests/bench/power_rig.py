"""The power process as a child, on a simulated plant in another process, with a bare link client in place of the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chargepoint.evse.stage_order import off
from chargepoint.model.demand import DcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, PowerEvent, Stage
from chargepoint.model.limits import Interval, PowerLimits
from chargepoint.power.link_client import LinkClient
from hil.attach.cable import CarCable
from hil.bench.site import Choices, write
from hil.simulators.line_socket import LineSocket, Refused

ROOT = Path(__file__).resolve().parents[2]
LEASE_S = 0.5
RENEW_S = LEASE_S / 5
"""The daemon renews a demand this often (`chargepoint.control.evse_control.RENEWALS_PER_LEASE`)."""
READY_S = 30.0
ENERGISE_S = 60.0
PRE_CHARGE_V = 400.0
POWER_W = 8000.0
CAR_CONTACTORS_S = 0.5
REALTIME_FIRST = "SCHED_FIFO"


class PowerRig:
    """Use with `async with`. `evses` EVSEs, each with a fast bus (board, module) and a slow bus (meter, insulation monitor)."""

    def __init__(
        self,
        folder: Path,
        evses: int,
        *,
        realtime: bool,
        paced: bool = True,
        amend: Callable[[str], str] = str,
        plant: tuple[str, ...] = (),
        profile: Path | None = None,
    ) -> None:
        """`profile`: where the power process leaves what cProfile counted of it."""
        self.folder = folder
        self.evse_ids = [EvseId(number) for number in range(1, evses + 1)]
        self.images: dict[EvseId, EvseImage] = {}
        self.events: list[PowerEvent] = []
        self.images_heard = 0
        self.power_W = POWER_W
        self._phase: dict[EvseId, Phase] = dict.fromkeys(self.evse_ids, Phase.OFF)
        self._realtime = realtime
        self._paced = paced
        self._amend = amend
        self._plant_options = plant
        self._profile = profile
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.plant = LineSocket(folder / "plant.sock")
        self.client = LinkClient(
            folder / "run" / "power.sock", self._image, self._event, lambda _: None, logging.getLogger("bench")
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()

    def pid(self, name: str) -> int:
        """Of `plant` or `power`."""
        return self._processes[name].pid

    async def __aenter__(self) -> Self:
        cables = tuple(CarCable("lo", "lo") for _ in self.evse_ids)
        site = write(Choices(self.folder, cables=cables, sdp_port=25133), 25134)
        text = re.sub(r'(?m)^interface = "lo"$', "", site.read_text())  # no car talks here, and no two may share one
        text += f"\n[power]\nrealtime = {str(self._realtime).lower()}\n"
        site.write_text(self._amend(text))
        for leftover in ("state", "state-power", "run", "log", "tty"):
            shutil.rmtree(self.folder / leftover, ignore_errors=True)
        pace = ["--paced"] if self._paced else []
        await self._start(
            "plant",
            "hil.simulators.plant",
            "--config",
            str(site),
            "--dir",
            str(self.folder),
            *pace,
            *self._plant_options,
            "--urgent",
        )
        await self._until("the plant", self._plant_answers, READY_S)
        profiler = () if self._profile is None else ("cProfile", "-o", str(self._profile), "-m")
        await self._start("power", *profiler, "chargepoint", "power", "--config", str(site))
        self._tasks = [asyncio.create_task(self.client.run()), asyncio.create_task(self._renew())]
        await self._until("every EVSE without a fault", self._all_well, READY_S)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in ("power", "plant"):
            process = self._processes.get(name)
            if process is None or process.returncode is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 10.0)
            except TimeoutError:
                process.kill()
                await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.plant.close()

    async def _start(self, name: str, *module: str) -> None:
        log = self.folder / "log" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *module, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out
            )

    async def _plant_answers(self) -> bool:
        with contextlib.suppress(Refused):
            return bool(await self.plant.ask({"do": "state"}))
        return False

    async def _all_well(self) -> bool:
        return len(self.images) == len(self.evse_ids) and not any(image.faults for image in self.images.values())

    async def _all_transfer(self) -> bool:
        return self.transferring == len(self.evse_ids)

    @property
    def transferring(self) -> int:
        """EVSEs at which the power that was ordered flows."""
        return sum(
            image.stage is Stage.TRANSFER and abs((image.power_W or 0.0) - self.power_W) < 0.1 * abs(self.power_W)
            for image in self.images.values()
        )

    async def until(self, what: str, condition: Callable[[], Any], number: EvseId, patience_s: float = 20.0) -> None:
        """Until the condition holds; looked at again with each image and event of the power process."""
        until_s = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > until_s:
                image = self.images[number]
                faults = sorted(code.name for code in image.faults)
                raise RuntimeError(f"EVSE {number}: waited {patience_s:.0f} s for {what}: {image.stage.name}, {faults}")
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), 0.1)

    async def _until(self, what: str, condition: Callable[[], Any], patience_s: float) -> None:
        until_s = time.monotonic() + patience_s
        while not await condition():
            for name, process in self._processes.items():
                if process.returncode is not None:
                    raise RuntimeError(f"{name} ended: {self.log(name)[-2000:]}")
            if time.monotonic() > until_s:
                states = {n: (i.stage.name, sorted(f.name for f in i.faults)) for n, i in self.images.items()}
                raise RuntimeError(f"waited {patience_s:.0f} s for {what}: {states}; {self.log('power')[-2000:]}")
            await asyncio.sleep(0.05)

    def log(self, name: str) -> str:
        """What this process wrote."""
        return (self.folder / "log" / f"{name}.log").read_text()

    async def energise(self) -> None:
        """A car at every EVSE, and power flows into each."""
        for number in self.evse_ids:
            await self.plant.ask({"do": "car_auto", "evse": number})
            self._phase[number] = Phase.CABLE_CHECK
        await self._until("power at every EVSE", self._all_transfer, ENERGISE_S)

    # -- in place of the daemon ------------------------------------------------------------------------------------

    def _event(self, event: PowerEvent) -> None:
        self.events.append(event)
        self._news.set()

    def _image(self, image: EvseImage) -> None:
        self.images_heard += 1
        self._news.set()
        before = self.images.get(image.evse_id)
        self.images[image.evse_id] = image
        if before is not None and before.stage is not image.stage:
            follows = {Stage.CABLE_CHECKED: Phase.PRE_CHARGE, Stage.PRE_CHARGED: Phase.TRANSFER}.get(image.stage)
            if follows is not None:  # a car closes its contactors before it asks for current
                asyncio.get_running_loop().call_later(CAR_CONTACTORS_S, self.enter, image.evse_id, follows)

    def enter(self, number: EvseId, phase: Phase) -> None:
        """Demand this phase from now on."""
        self._phase[number] = phase
        self.client.demand(self._demand(number))

    def _demand(self, number: EvseId) -> StageDemand:
        phase = self._phase[number]
        if phase is Phase.OFF:
            return off(number, LEASE_S, PilotCommand.X1, lock=False)
        limits = PowerLimits(300.0, 450.0, 40.0, 40.0, 1e5, 1e5)
        order = DcOrder(limits, PRE_CHARGE_V if phase is not Phase.TRANSFER else 440.0)
        demand = StageDemand(number, 0, LEASE_S, phase, PilotCommand.PWM, 5.0, True, order=order)
        if phase is not Phase.TRANSFER:
            return demand
        return replace(demand, power_W=self.power_W, limits_W=Interval(-20_000.0, 20_000.0))

    async def _renew(self) -> None:
        while True:
            if self.client.connected:
                for number in self.evse_ids:
                    self.client.demand(self._demand(number))
            await asyncio.sleep(RENEW_S)


def cpu_s(pid: int) -> float:
    """Processor time of this process so far, by the scheduler's own account (nanoseconds)."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def waits(pid: int) -> int:
    """How often this process gave the processor back by itself: its wake-ups."""
    found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert found
    return int(found[1])


def load() -> dict[str, Any]:
    """How busy the machine is while a figure is taken."""
    return {"load_average": [round(value, 1) for value in os.getloadavg()], "processors": os.cpu_count()}


def scheduling(pid: int) -> str:
    """`SCHED_FIFO 50`, or the ordinary one."""
    policy = os.sched_getscheduler(pid)
    return f"SCHED_FIFO {os.sched_getparam(pid).sched_priority}" if policy == os.SCHED_FIFO else "SCHED_OTHER"


def printed(figures: dict[str, Any], *, as_json: bool) -> None:
    """The figures for people or for programmes."""
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:30} {json.dumps(value)}")
