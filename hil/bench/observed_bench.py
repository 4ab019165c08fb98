"""A bench for one scenario: all simulated, in virtual or in real time, behind `BenchPort`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from hil.attach.small_disk import SmallDisk
from hil.bench.bench import Bench
from hil.bench.injection import Injection
from hil.bench.performer import BenchPerformer
from hil.bench.port import NotDone
from hil.bench.sources import CarSource, CsmsSource, NoteSource, PlantSource, StationSource
from hil.clock import now_s
from hil.record.line import Json, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.simulators.csms import CallError
from hil.simulators.line_socket import Refused

LOOK_EVERY_S = 0.2
"""While time passes, the sources are asked this often."""
Arguments = Mapping[str, Json]


class ObservedBench:
    """Fulfils `hil.bench.port.BenchPort`."""

    def __init__(self, bench: Bench, disks: Sequence[SmallDisk] = ()) -> None:
        """`disks`: those of the controller, where they are the bench's own."""
        self._bench = bench
        self._began_s = now_s()
        self._record = BenchRecord()
        self._injection = Injection(bench, disks)
        self._sources = (
            PlantSource(bench, self._since_s),
            CarSource(bench, self._since_s, self.now_s),
            CsmsSource(bench, self._since_s, self.now_s),
            NoteSource(bench, self.now_s),
            station := StationSource(bench, self._since_s),
        )
        self._station = station
        self._looking = asyncio.Lock()
        self._performer = BenchPerformer(bench, self._exchanged)
        self._injected: dict[tuple[str, int, str], Arguments] = {}

    @property
    def bench(self) -> Bench:
        """The bench below."""
        return self._bench

    @property
    def injected(self) -> tuple[tuple[str, Arguments], ...]:
        """The faults that were caused and not healed, each with its arguments, the newest first."""
        found = ((fault, {**own, "evse": evse}) for (fault, evse, _), own in self._injected.items())
        return tuple(reversed(tuple(found)))

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

    @property
    def facts(self) -> Mapping[str, Json]:
        """What the controller said of itself in its last BootNotification; nothing where an outside central system heard it."""
        if self._bench.choices.csms_url is not None:
            return {}
        boots = self._bench.station.of("BootNotification")
        station = boots[-1].get("chargingStation", {}) if boots else {}
        words = [str(station[key]) for key in ("vendorName", "model", "firmwareVersion") if station.get(key)]
        return {"controller": " ".join(words)} if words else {}

    def now_s(self) -> float:
        """Seconds since the record began."""
        return now_s() - self._began_s

    def _since_s(self, at_s: float) -> float:
        """A moment of the bench's clock, on that of the record; what was before the record is at its beginning."""
        return max(0.0, at_s - self._began_s)

    async def look(self) -> None:
        """Ask every source what it has seen since the last time."""
        async with self._looking:
            at_s = self.now_s()
            for source in self._sources:
                self._record.extend(await source.lines())
            self._record.known_until(at_s)

    def want_station(self) -> None:
        """The next look asks the station, too, however lately it was asked."""
        self._station.ask_next()

    async def sleep(self, for_s: float) -> None:
        """Let this much time of the bench pass."""
        until_s = now_s() + for_s
        while (left_s := until_s - now_s()) > LOOK_EVERY_S:
            await asyncio.sleep(min(left_s, LOOK_EVERY_S))
            await self.look()
        await asyncio.sleep(max(0.0, until_s - now_s()))

    async def do(self, verb: str, arguments: Arguments) -> Mapping[str, Json]:
        """Perform a verb. `evse` among the arguments: where; 1 without it. Raises NotDone."""
        if verb not in self._performer.names:
            raise NotDone(f"verb {verb!r}: one of {', '.join(self._performer.names)}")
        evse = int(str(arguments.get("evse", 1)))
        own = {key: value for key, value in arguments.items() if key != "evse"}
        self._act(verb, own, evse)
        answer: Mapping[str, Json] = await _or_refuse(self._performer.perform(verb, evse, own))
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
        if on:
            self._injected[fault, evse, repr(sorted(own.items()))] = own
            return
        for kept in [key for key, had in self._injected.items() if key[:2] == (fault, evse) and _within(own, had)]:
            del self._injected[kept]

    def _exchanged(self, action: str, exchange: Json) -> None:
        self._record.add(RecordLine(self.now_s(), Seer.CSMS, LineKind.MESSAGE, action, exchange))

    def _act(self, name: str, arguments: Arguments, evse: int) -> None:
        self._record.add(RecordLine(self.now_s(), Seer.BENCH, LineKind.ACTION, name, dict(arguments), evse))


def _within(healed: Arguments, caused: Arguments) -> bool:
    """What is healed names no argument that the cause had otherwise."""
    return all(caused.get(name, value) == value for name, value in healed.items())


async def _or_refuse(work: Awaitable[Any]) -> Any:
    """What the bench, the plant or the station refuses is NotDone, in their own words."""
    try:
        return await work
    except (Refused, CallError, LookupError, ValueError, TypeError, OSError) as error:
        raise NotDone(str(error) or type(error).__name__) from error
