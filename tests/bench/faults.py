"""`./run bench faults [--moments N] [--rigs N] [--seed S] [--json]`: the power process killed, stopped or cut off at random moments of a session.

The power process is the real one, on the simulated plant in another process. A bare link client stands for the daemon: a daemon that
stops or is killed is a client that sends nothing. In each moment a session is led to a random stage, at +8 kW or -8 kW where power
flows. Then the power process gets SIGKILL, or SIGSTOP and later SIGCONT, or the client falls silent, or a bus is pulled.

The plant judges: contactor open and no current within the bound of the injury. Several such rigs run side by side, and share the moments. Afterwards the old demand comes back, and nothing may
close by it. In some moments the emergency stop was pressed before a kill: its latch must still be there. `faults` are the promises broken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from tests.bench.power_rig import READY_S, RENEW_S, PowerRig, load, printed

MOMENTS = 200
RIGS = 4
SEED = 10
EVSE = EvseId(1)
POWER_W = 8000.0
LOOK_S = 0.02
LEADS = 8
SELF_TEST_S = 0.5
"""Of the insulation monitor: most of a session's time otherwise, and no injury is about it."""
REST_S = 1.5
"""So long the old demand is repeated after the injury is over."""
NO_CURRENT_A = 1.0

BOUNDS_S = {
    "kill": 1.5,  # the board's watchdog of 0.5 s, and the machine's load
    "stop": 1.5,
    "silent": 3.5,  # the lease of 0.5 s, and a ramp of 2 s at most
    "fast": 1.5,  # board and module: the board's watchdog
    "slow": 5.5,  # meter and insulation monitor: 2 s until they are too old, and a ramp
}
"""From the injury to the open contactor, in seconds."""

GOALS = {Stage.CABLE_CHECK: Phase.CABLE_CHECK, Stage.PRE_CHARGED: Phase.PRE_CHARGE, Stage.TRANSFER: Phase.TRANSFER}


class InjuredRig(PowerRig):
    """One EVSE whose sessions end by an injury."""

    def __init__(self, folder: Path, order: random.Random) -> None:
        super().__init__(folder, 1, realtime=False, paced=False, plant=("--self-test-s", str(SELF_TEST_S)))
        self.order = order
        self.silent = False
        self.goal = Phase.TRANSFER
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.slowest_s: dict[str, float] = {}

    def enter(self, number: EvseId, phase: Phase) -> None:
        """Demand this phase from now on, up to the goal."""
        if phase <= self.goal and not self.silent and self._phase[number] is not Phase.OFF:
            super().enter(number, phase)

    async def _renew(self) -> None:
        while True:
            if self.client.connected and not self.silent:
                self.client.demand(self._demand(EVSE))
            await asyncio.sleep(RENEW_S)

    async def look(self) -> dict[str, Any]:
        """The plant now."""
        return await self.plant.ask({"do": "state", "evse": 1})

    async def lead(self, stage: Stage) -> None:
        """From unplugged to this stage. On a busy machine a session may end by itself: then the next one is led there.
        Raises RuntimeError where none of `LEADS` sessions comes there."""
        for _ in range(LEADS):
            if await self._led(stage):
                await asyncio.sleep(self.order.uniform(0.0, 0.5))
                return
            self.counts["led again"] += 1
            await self._tidy()
        raise RuntimeError(f"{stage.name} not reached: {self.log('power')[-2000:]}")

    async def _led(self, stage: Stage) -> bool:
        self.goal, self.power_W = GOALS[stage], self.order.choice((POWER_W, -POWER_W))
        await self.plant.ask({"do": "car_auto", "evse": 1})
        await asyncio.sleep(0.3)
        self._phase[EVSE] = Phase.CABLE_CHECK

        until_s = time.monotonic() + READY_S
        while time.monotonic() < until_s and not _stopping(self.images[EVSE]):
            at = self.images[EVSE].stage is stage and (await self.look())["contactor_closed"]
            if at and (stage is not Stage.TRANSFER or self.transferring == 1):
                return True
            await asyncio.sleep(LOOK_S)
        return False

    async def moment(self, number: int) -> None:
        """One session, one injury, and what must hold afterwards."""
        stage, injury = self.order.choice(list(GOALS)), self.order.choice(list(BOUNDS_S))
        name = f"moment {number}: {injury} in {stage.name}"
        await self.lead(stage)
        name += f" at {self.power_W:+.0f} W" if stage is Stage.TRANSFER else ""
        self.counts[f"{injury} {stage.name}"] += 1
        pressed = injury == "kill" and self.order.random() < 0.5
        if pressed:
            await self.plant.ask({"do": "estop", "on": True})
            await asyncio.sleep(0.2)
        began_s = time.monotonic()
        await self._injure(injury)
        await self._opens(name, injury, began_s)
        await self._heal(injury)
        await self._stays_open(name)
        if pressed:
            await self._keeps_its_latch(name)
        await self._tidy()

    async def _injure(self, injury: str) -> None:
        power = self._processes["power"]
        match injury:
            case "kill":
                power.send_signal(signal.SIGKILL)
                await power.wait()
            case "stop":
                power.send_signal(signal.SIGSTOP)
            case "silent":
                self.silent = True
            case _:
                await self.plant.ask({"do": "bus_fault", "bus": f"{injury}1", "kind": "unplugged", "on": True})

    async def _heal(self, injury: str) -> None:
        """The old demand goes on all the while."""
        match injury:
            case "kill":
                self.images.clear()
                await self._start("power", "chargepoint", "power", "--config", str(self.folder / "site.toml"))
            case "stop":
                self._processes["power"].send_signal(signal.SIGCONT)
            case "silent":
                self.silent = False
            case _:
                await self.plant.ask({"do": "bus_fault", "bus": f"{injury}1", "kind": "unplugged", "on": False})

    async def _opens(self, name: str, injury: str, began_s: float) -> None:
        while True:
            seen = await self.look()
            after_s = time.monotonic() - began_s
            if not seen["contactor_closed"] and abs(seen["output_A"]) < NO_CURRENT_A:
                break
            if after_s > BOUNDS_S[injury] + 5.0:
                break
            await asyncio.sleep(LOOK_S)
        self.slowest_s[injury] = max(self.slowest_s.get(injury, 0.0), round(after_s, 2))
        if after_s > BOUNDS_S[injury]:
            self.faults.append(f"{name}: open after {after_s:.2f} s, at most {BOUNDS_S[injury]} s")

    async def _stays_open(self, name: str) -> None:
        until_s = time.monotonic() + REST_S
        patience_s = time.monotonic() + READY_S
        while time.monotonic() < until_s:
            if EVSE not in self.images and time.monotonic() < patience_s:  # a new process is on its way
                until_s = time.monotonic() + REST_S
            seen = await self.look()
            if seen["contactor_closed"] or seen["board_request"] & 1:
                self.faults.append(f"{name}: closed again by the old demand: {self.images.get(EVSE)}")
                return
            await asyncio.sleep(LOOK_S)

    async def _keeps_its_latch(self, name: str) -> None:
        await self.plant.ask({"do": "estop", "on": False})
        await asyncio.sleep(1.0)
        if FaultCode.EMERGENCY_STOP not in self.images[EVSE].faults:
            self.faults.append(f"{name}: the emergency stop's latch did not survive the process")
        self.counts["latches kept"] += 1

    async def _tidy(self) -> None:
        """Unplug, and let go what a person may let go."""
        self._phase[EVSE] = Phase.OFF
        await self.plant.ask({"do": "car_auto", "evse": 1, "on": False})
        await asyncio.sleep(0.3)
        await self.plant.ask({"do": "unplug", "evse": 1, "force": True})

        async def well() -> bool:
            image = self.images.get(EVSE)
            if image is not None and _stopping(image):
                self.client.reset_faults(EVSE, "bench")
                await asyncio.sleep(0.3)
            return image is not None and not _stopping(image) and image.stage is Stage.OFF

        await self._until("no fault after the reset", well, READY_S)


def _stopping(image: EvseImage) -> bool:
    """A fault stops power here. A contactor that is worn by so many openings under load is a warning only."""
    return bool(image.faults - {FaultCode.CONTACTOR_WORN})


async def measure(folder: Path, moments: int, seed: int, rigs: int = 1) -> dict[str, Any]:
    """So many moments, shared by the rigs. Progress goes to standard error."""
    began_s = time.monotonic()
    numbers = iter(range(moments))
    injured = [InjuredRig(folder / f"rig{place}", random.Random(seed + place)) for place in range(rigs)]

    async def work(rig: InjuredRig) -> None:
        async with rig:
            for number in numbers:
                await rig.moment(number)
                broken = sum(len(one.faults) for one in injured)
                print(f"{number + 1}/{moments}: faults {broken}", file=sys.stderr, flush=True)
            log = rig.log("power")
        with contextlib.suppress(ValueError):
            rig.faults.append(f"power.log: {log[log.index('Traceback (most recent') :][:1500]}")

    async with asyncio.TaskGroup() as group:
        for rig in injured:
            group.create_task(work(rig))
    counts: Counter[str] = sum((rig.counts for rig in injured), Counter())
    slowest_s: dict[str, float] = {}
    for name, after_s in (pair for rig in injured for pair in rig.slowest_s.items()):
        slowest_s[name] = max(after_s, slowest_s.get(name, 0.0))
    return {
        "moments": moments,
        "rigs": rigs,
        "seed": seed,
        "seconds": round(time.monotonic() - began_s),
        "slowest_s": slowest_s,
        "bounds_s": BOUNDS_S,
        "counts": dict(sorted(counts.items())),
        **load(),
        "faults": [fault for rig in injured for fault in rig.faults],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./run bench faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=MOMENTS)
    parser.add_argument("--rigs", type=int, default=RIGS, help="so many plants with a power process each, side by side")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--dir", type=Path, default=None, help="keep logs in this folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = asyncio.run(measure(options.dir or Path(temporary), options.moments, options.seed, options.rigs))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        printed(found, as_json=False)
    sys.exit(bool(found["faults"]))


if __name__ == "__main__":
    main()
