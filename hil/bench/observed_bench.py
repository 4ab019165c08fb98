"""A bench for one scenario: all simulated, in virtual or in real time, behind `BenchPort`."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from certs.pki import Curve, Pki
from hil.bench.bench import IDENTITY, TOKEN, Bench
from hil.bench.injection import Injection
from hil.bench.needs import BenchNeeds, choices_of
from hil.bench.port import NotDone
from hil.bench.sources import CarSource, CsmsSource, NoteSource, PlantSource, StationSource
from hil.clock import now_s
from hil.demo.steering import Steering
from hil.record.line import Json, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.simulators.csms import CallError
from hil.simulators.line_socket import Refused

READY_S = 30.0
"""The station is up, registered and without a fault after this, or the bench gives up."""
STATION_EVERY_S = 0.2
"""The status of the station is asked for this often."""
Arguments = Mapping[str, Json]


class ObservedBench:
    """Fulfils `hil.bench.port.BenchPort`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._began_s = now_s()
        self._record = BenchRecord()
        self._steering = Steering(bench)
        self._injection = Injection(bench)
        since = lambda at_s: max(0.0, at_s - self._began_s)  # noqa: E731
        self._sources = (
            PlantSource(bench, since),
            CarSource(bench, since, self.now_s),
            CsmsSource(bench, since, self.now_s),
            NoteSource(bench, self.now_s),
        )
        self._station = StationSource(bench, self.now_s)
        self._station_asked_s = -1e9
        self._looking = asyncio.Lock()
        self._verbs: dict[str, Callable[[int, Arguments], Awaitable[Mapping[str, Json]]]] = {
            "plug": self._plug,
            "unplug": self._unplug,
            "pull_plug": self._pull_plug,
            "leave": self._leave,
            "token": self._token,
            "setpoint": self._setpoint,
            "remote_start": self._remote_start,
            "remote_stop": self._remote_stop,
            "ocpp": self._ocpp,
            "block_token": self._block_token,
            "ask_car": self._ask_car,
            "reset": self._reset,
            "limit": self._limit,
            "e_stop": self._e_stop,
            "door": self._door,
            "car": self._car,
            "car_plan": self._car_plan,
            "grid": self._grid,
            "note": self._note,
        }

    @property
    def record(self) -> BenchRecord:
        """Everything seen so far."""
        return self._record

    @property
    def began_s(self) -> float:
        """When the record began, as `hil.clock.now_s` counts."""
        return self._began_s

    @property
    def evses(self) -> tuple[int, ...]:
        """Numbers of the EVSEs that have a car."""
        return tuple(self._bench.cars)

    def now_s(self) -> float:
        """Seconds since the record began."""
        return now_s() - self._began_s

    async def look(self) -> None:
        """Ask every source what it has seen since the last time."""
        async with self._looking:
            at_s = self.now_s()
            for source in self._sources:
                self._record.extend(await source.lines())
            if at_s - self._station_asked_s >= STATION_EVERY_S - 1e-6:
                self._station_asked_s = at_s
                self._record.extend(await self._station.lines())
            self._record.known_until(at_s)

    async def sleep(self, for_s: float) -> None:
        """Let this much time of the bench pass."""
        until_s = now_s() + for_s
        while (left_s := until_s - now_s()) > STATION_EVERY_S:
            await asyncio.sleep(min(left_s, STATION_EVERY_S))
            await self.look()
        await asyncio.sleep(max(0.0, until_s - now_s()))

    async def do(self, verb: str, arguments: Arguments) -> Mapping[str, Json]:
        """Perform a verb. `evse` among the arguments: where; 1 without it. Raises NotDone."""
        performer = self._verbs.get(verb)
        if performer is None:
            raise NotDone(f"verb {verb!r}: one of {', '.join(self._verbs)}")
        evse = int(str(arguments.get("evse", 1)))
        own = {key: value for key, value in arguments.items() if key != "evse"}
        self._act(verb, own, evse)
        answer: Mapping[str, Json] = await _or_refuse(performer(evse, own))
        return answer

    async def inject(self, fault: str, arguments: Arguments) -> None:
        """Cause a fault. Raises NotDone."""
        await self._set_fault(fault, arguments, on=True)

    async def heal(self, fault: str, arguments: Arguments) -> None:
        """Take a fault back. Raises NotDone."""
        await self._set_fault(fault, arguments, on=False)

    async def _set_fault(self, fault: str, arguments: Arguments, *, on: bool) -> None:
        evse = int(str(arguments.get("evse", 1)))
        own = {key: value for key, value in arguments.items() if key != "evse"}
        self._act(fault if on else f"heal {fault}", own, evse)
        await _or_refuse(self._injection.set(fault, evse, own, on=on))

    def _act(self, name: str, arguments: Arguments, evse: int) -> None:
        self._record.add(RecordLine(self.now_s(), Seer.BENCH, LineKind.ACTION, name, dict(arguments), evse))

    # -- verbs -----------------------------------------------------------------------------------------------------

    async def _plug(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.plug(evse)
        return {}

    async def _unplug(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.unplug(evse)
        return {}

    async def _pull_plug(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.pull_plug(evse)
        return {}

    async def _leave(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        self._bench.cars[evse].end_session()
        return {}

    async def _token(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        await self._bench.token(str(arguments.get("value", TOKEN)), evse)
        return {}

    async def _setpoint(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        duration_s = arguments.get("duration_s")
        power_W = float(str(arguments["power_W"]))
        return await self._bench.setpoint(power_W, None if duration_s is None else int(str(duration_s)), evse)

    async def _remote_start(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        token = {"idToken": arguments.get("value", TOKEN), "type": "ISO14443"}
        payload = {"evseId": evse, "remoteStartId": random.randrange(1, 1 << 31), "idToken": token}
        return await self._call("RequestStartTransaction", payload, "Accepted")

    async def _remote_stop(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        running = self._bench.csms.running(IDENTITY, evse)
        return await self._call("RequestStopTransaction", {"transactionId": running}, "Accepted")

    async def _ocpp(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        payload = arguments.get("payload", {})
        if not isinstance(payload, dict):
            raise Refused(f"payload = {payload!r}: an object")
        status = arguments.get("status")
        return await self._call(str(arguments["action"]), payload, None if status is None else str(status))

    async def _call(self, action: str, payload: dict[str, Any], status: str | None) -> Mapping[str, Json]:
        answer: dict[str, Any] = await self._bench.csms.call(IDENTITY, action, payload)
        line: dict[str, Json] = {"request": payload, "answer": answer}
        self._record.add(RecordLine(self.now_s(), Seer.CSMS, LineKind.MESSAGE, action, line))
        if status is not None and answer.get("status") != status:
            raise Refused(f"{action}: the station answered {answer}; expected status {status}")
        return answer

    async def _block_token(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        self._bench.csms.tokens[str(arguments.get("value", TOKEN))] = str(arguments.get("status", "Blocked"))
        return {}

    async def _ask_car(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.status.ask({"do": "ask_car", "evse": evse, "for": arguments["for"]})

    async def _reset(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.reset_faults(evse)
        return {}

    async def _limit(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        request: dict[str, Any] = {"do": "limit"}
        if "import_max_W" in arguments:
            request |= {"source": "EMS", "export_max_W": 0.0, "for_s": 900.0, **arguments}
        return await self._bench.status.ask(request)

    async def _e_stop(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.plant.ask({"do": "estop", "evse": evse, **arguments})

    async def _door(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.plant.ask({"do": "door", "evse": evse, **arguments})

    async def _car(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._steering.change_car(evse, dict(arguments))

    async def _car_plan(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._steering.change_plan(arguments.get("plan", {}))

    async def _grid(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.plant.ask({"do": "grid", "evse": evse, **arguments})

    async def _note(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        self._bench.note(str(arguments["text"]))
        return {}


async def _or_refuse(work: Awaitable[Any]) -> Any:
    """What the bench, the plant or the station refuses is NotDone, in their own words."""
    try:
        return await work
    except (Refused, CallError, LookupError, ValueError, TypeError, OSError) as error:
        raise NotDone(str(error) or type(error).__name__) from error


@contextlib.asynccontextmanager
async def open_bench(
    needs: Mapping[str, Json], folder: Path, *, virtual: bool, seed: int
) -> AsyncIterator[ObservedBench]:
    """A bench that is ready for a car. `virtual`: the caller runs on a `hil.virtual.loop.VirtualLoop`, and in a process of its own.

    Raises NotDone for needs that cannot be met, and where the station is not ready after `READY_S`.
    """
    wanted = BenchNeeds.read(needs)
    if virtual:
        _make_repeatable(seed)
    home = Path(tempfile.mkdtemp(prefix="hil-"))  # a short path: sockets lie in it
    try:
        shutil.copytree(_development_keys(), home / "pki")
        bench = Bench(choices_of(wanted, home), observe=True)
        async with bench:
            await _ready(bench)
            scenario = ObservedBench(bench)
            await scenario.look()
            yield scenario
    except (Refused, RuntimeError) as error:
        raise NotDone(str(error)) from error
    finally:
        shutil.copytree(home / "log", folder / "log", dirs_exist_ok=True) if (home / "log").exists() else None
        shutil.rmtree(home, ignore_errors=True)


async def _ready(bench: Bench) -> None:
    until_s = now_s() + READY_S
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


def _make_repeatable(seed: int) -> None:
    """The same seed, the same run: in this process every chance comes from it. Keys are made before, and stay random."""
    chances = random.Random(seed)
    random.seed(seed)
    uuid.uuid4 = lambda: uuid.UUID(int=chances.getrandbits(128), version=4)
    secrets.token_bytes = lambda nbytes=32: chances.randbytes(nbytes or 32)


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
