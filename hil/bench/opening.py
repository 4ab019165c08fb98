"""Opens a bench for one scenario: all simulated, in virtual or in real time, behind `BenchPort`."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certs.pki import Curve, Pki
from hil.attach import private_network, small_disk
from hil.attach.bench_file import ALL_SIMULATED_BENCH, VETH, BenchFile, BenchFileError
from hil.attach.cable import CarCable
from hil.attach.small_disk import SmallDisk
from hil.attach.veth import veth_cable
from hil.bench.bench import Bench
from hil.bench.needs import BenchNeeds, choices_of
from hil.bench.observed_bench import ObservedBench
from hil.bench.port import NotDone
from hil.clock import now_s
from hil.record.line import Json
from hil.simulators.line_socket import Refused

READY_S = 30.0
"""The station is up, registered and without a fault after this, or the bench gives up."""


@contextlib.asynccontextmanager
async def open_bench(
    needs: Mapping[str, Json], folder: Path, *, virtual: bool, seed: int
) -> AsyncIterator[ObservedBench]:
    """A bench that is ready for a car. `virtual`: the caller runs on a `hil.virtual.loop.VirtualLoop`, and in a process of its own.

    Raises NotDone for needs that cannot be met, and where the station is not ready after `READY_S`.
    """
    given = dict(needs)
    file = given.pop("bench_file", None)
    wanted = BenchNeeds.read(given)
    try:
        attached = ALL_SIMULATED_BENCH if file is None else BenchFile.read(Path(str(file)))
    except BenchFileError as error:
        raise NotDone(str(error)) from error
    if virtual:
        random.seed(seed)  # all chance of the bench and of the controller in it; keys are made before, and stay random
    home = Path(tempfile.mkdtemp(prefix="hil-"))  # a short path: sockets lie in it
    try:
        shutil.copytree(_development_keys(), home / "pki")
        async with contextlib.AsyncExitStack() as stack:
            disks = _small_disks(home, stack) if wanted.small_disk else ()
            cables = _cables(wanted.evses, attached, stack)
            bench = await stack.enter_async_context(Bench(choices_of(wanted, home, cables, attached), observe=True))
            await _ready(bench)
            scenario = ObservedBench(bench, disks)
            await scenario.look()
            yield scenario
    except (Refused, RuntimeError) as error:
        raise NotDone(str(error)) from error
    finally:
        shutil.copytree(home / "log", folder / "log", dirs_exist_ok=True) if (home / "log").exists() else None
        shutil.rmtree(home, ignore_errors=True)


def _small_disks(home: Path, stack: contextlib.AsyncExitStack) -> tuple[SmallDisk, ...]:
    """Over the state of both processes of the controller. Raises RuntimeError where this process may not."""
    small_disk.enter()
    disks = tuple(SmallDisk.laid_over(home / name) for name in ("state", "state-power"))
    for disk in disks:
        stack.callback(disk.take_away)
    return disks


def _cables(evses: int, attached: BenchFile, stack: contextlib.AsyncExitStack) -> tuple[CarCable, ...]:
    """One cable is the loopback, if the bench file names no other. For several this process goes into a network of its own.

    Raises RuntimeError where it cannot.
    """
    if attached.controller.config is not None:
        return ()  # the configuration has them
    named = {number: part for number, part in attached.car.items() if part.interface is not None}
    if evses > 1 and not named:
        private_network.enter()
        return private_network.lay_cables(evses)
    cables = []
    for number in range(1, evses + 1):
        interface = named[number].interface if number in named else "lo"
        assert interface is not None
        cables.append(stack.enter_context(veth_cable()) if interface == VETH else CarCable(interface, interface))
    return tuple(cables)


async def _ready(bench: Bench) -> None:
    until_s = now_s() + READY_S
    if not bench.sees_status:
        await _registered(bench, until_s)
        return
    while True:
        status = await bench.status.ask({"do": "status"})
        missing = [
            f"EVSE {number}: {evse.get('obstacle') or 'no image yet'}"
            for number, evse in status["evses"].items()
            if evse.get("obstacle") or evse["image"] is None or evse["image"]["faults"]
        ]
        if bench.choices.csms_url is None and status["ocpp"].get("boot_status") != "Accepted":
            missing.append("the central system has not accepted the station")
        if not missing:
            return
        if now_s() > until_s:
            raise Refused(f"the station is not ready after {READY_S:g} s: {'; '.join(missing)}")
        await asyncio.sleep(0.1)


async def _registered(bench: Bench, until_s: float) -> None:
    """A controller that cannot be asked: until it reports each connector available, where the central system is the bench's own.

    Raises Refused.
    """
    while bench.choices.csms_url is None:
        known = bench.identity in bench.csms.stations
        reported = {evse: state for (evse, _), state in bench.station.connectors.items()} if known else {}
        waiting = [f"EVSE {evse} is {reported.get(evse, 'not reported')}" for evse in bench.cars]
        if all(reported.get(evse) == "Available" for evse in bench.cars):
            return
        if now_s() > until_s:
            there = (
                ", ".join(waiting) if known else f"it has not come to {bench.csms.url}; start it, check its csms.url"
            )
            raise Refused(f"the controller {bench.identity} is not ready after {READY_S:g} s: {there}")
        await asyncio.sleep(0.1)


def _development_keys() -> Path:
    """A development PKI of this day, made once for all benches of this user."""
    today = datetime.now(UTC).date()
    folder = Path(tempfile.gettempdir()) / f"hil-keys-{Path.home().name}" / today.isoformat()
    if not folder.exists():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        Pki(Curve.P521, datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=1)).write(fresh)
        with contextlib.suppress(OSError):  # somebody else made them in the meantime
            fresh.rename(folder)
    return folder
