"""The station's SLAC and simulated cars at both ends of a veth pair, in one loop. To be used in a network of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from types import TracebackType

from chargepoint.app.clock import SystemClock
from chargepoint.model.data_link import DataLinkChanged, DataLinkEvent, DataLinkRemark, DataLinkState
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot
from chargepoint.slac.evse_slac import EvseSlac
from chargepoint.slac.modem_socket import ModemSocket
from hil.attach.private_network import lay_cables
from hil.simulators.slac.ev_slac import CarHabits, EvSlac
from hil.simulators.slac.powerline import CarOnLine, ModemFaults, Powerline, SimulatedModem
from hil.simulators.slac.wire import PowerlineWire

PATIENCE_S = 20.0


def address(number: int) -> bytes:
    """An Ethernet address of a simulated car or modem."""
    return bytes((0x02, 0, 0, 0, 0, number))


def simulated_car(number: int, attenuation_dB: int, habits: CarHabits | None = None) -> CarOnLine:
    """One car on the station's line."""
    core = EvSlac(address(number), secrets.token_bytes, habits)
    return CarOnLine(core, {"one": attenuation_dB}, SimulatedModem(address(0x40 + number)))


class SlacRig:
    """Use as an async context manager."""

    def __init__(self, cars: Mapping[str, CarOnLine], faults: ModemFaults | None = None) -> None:
        cable = lay_cables(1)[0]
        self.line = Powerline({"one": SimulatedModem(address(0x80), faults=faults or ModemFaults())}, cars)
        self.wire = PowerlineWire(cable.car, self.line)
        self.core = EvseSlac(EvseId(1), secrets.token_bytes, ac=False)
        self.changes: list[DataLinkChanged] = []
        self.problems: list[str] = []
        self._changed = asyncio.Event()
        log = logging.getLogger("slac")
        self.station = ModemSocket(cable.station, self.core, self._on_event, SystemClock(), log)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> SlacRig:
        await self.wire.__aenter__()
        self._task = asyncio.create_task(self.station.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.wire.__aexit__(kind, error, trace)

    async def reach(self, state: DataLinkState) -> float:
        """Wait until the link is so far. Returns how long that took, in seconds. Raises TimeoutError with what was seen."""
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self.core.state is not state:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            seen = [change.state.value for change in self.changes[-6:]]
            raise TimeoutError(f"not {state.value} within {PATIENCE_S:.0f} s; {seen}; {self.problems[-3:]}") from None
        return time.monotonic() - began_s

    async def plug_in(self, *cars: str) -> float:
        """The pilot shows B, and 5 % at once, as the station is ready. Returns the seconds to the link."""
        self.station.note_pilot(ControlPilot.B, wanted=True)
        for car in cars:
            self.wire.plug_in(car)
        return await self.reach(DataLinkState.UP)

    def unplug(self, *cars: str) -> None:
        """The car leaves."""
        for car in cars:
            self.wire.unplug(car)
        self.station.note_pilot(ControlPilot.A, wanted=True)

    def _on_event(self, event: DataLinkEvent) -> None:
        if isinstance(event, DataLinkChanged):
            self.changes.append(event)
        elif isinstance(event, DataLinkRemark) and event.problem:
            self.problems.append(event.text)
        self._changed.set()
