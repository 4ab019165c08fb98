"""The surroundings of the station under test: everything a person in a laboratory does to it with the hands.

A case calls these verbs where Part 6 asks for a manual action. `hil.certification.ours` performs them on our station;
`hil.certification.json_lines` passes them to a command that a bench provides. docs/certification.md lists them for benches.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from hil.certification.keys import SecuritySetup
from hil.certification.pics import Token

HAND_S = 0.3
"""A person does nothing sooner than this after something the station did."""


class BenchRefused(RuntimeError):
    """The bench cannot do what a case needs: which verb, and why. The case ends undecided."""


class StationUnderTest(Protocol):
    """Each verb returns when the action is done; the station's reaction comes later. Raises BenchRefused."""

    name: str
    """What the result calls this station."""

    async def open(self, url: str, security: SecuritySetup) -> None:
        """Start the station. It connects to the central system at `url`, to which it adds its identity, with this security."""

    async def close(self) -> None:
        """End everything that `open` started."""

    async def plug(self, evse_id: int, connector_id: int) -> None:
        """Connect a car. The car asks for energy as soon as the station offers some."""

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        """Disconnect the car on its own side, after it ended its charging where it must. Nothing to do where none is plugged."""

    async def suspend(self, evse_id: int) -> None:
        """The car stops taking energy and stays plugged."""

    async def resume(self, evse_id: int) -> None:
        """The car asks for energy again."""

    async def end_session(self, evse_id: int) -> None:
        """The car ends its charging session by its own protocol and stays plugged."""

    async def not_ready(self, evse_id: int) -> None:
        """The next car that is plugged in is not ready to take energy."""

    async def negotiate(self, evse_id: int, again_after_s: float) -> None:
        """The next car that is plugged in negotiates a charging schedule (ISO 15118), and again after so long; 0: only once."""

    async def bring_contract(self, evse_id: int, known_root: bool) -> None:
        """The next car that is plugged in authorises with its contract (ISO 15118). `known_root`: the station can validate it."""

    async def request_certificate(self, evse_id: int, action: str) -> None:
        """The next car that is plugged in asks for a contract certificate (ISO 15118), and authorises with the one it gets.

        `action`: `Install`, it has none yet; `Update`, it has one that ends soon.
        """

    async def present(self, token: Token, evse_id: int) -> None:
        """Present a token at the reader of this EVSE."""

    async def store_customer(self, identifier: str, evse_id: int) -> None:
        """Make the station keep data of a customer whom it knows by this identifier, by whatever way it has."""

    async def reboot(self) -> None:
        """Restart the station in order, as a service technician does."""

    async def cut_power(self) -> None:
        """Take the supply away without a warning."""

    async def restore_power(self) -> None:
        """Give the supply back."""

    async def fault(self, evse_id: int, on: bool) -> None:
        """Make a fault that puts the connectors of this EVSE into Faulted; `on` false removes it and lets the station recover."""

    async def clear_faults(self) -> None:
        """Let the station recover from faults whose cause is gone, as a technician does."""

    async def restore_factory_state(self, url: str, security: SecuritySetup) -> None:
        """Forget everything that was configured or stored, and start anew towards `url` with this security."""


class TrackedStation:
    """A station whose surroundings can be put back as they were. `marks` says when cars and tokens came."""

    def __init__(self, station: StationUnderTest) -> None:
        self._station = station
        self._plugged: set[tuple[int, int]] = set()
        self._faulted: set[int] = set()
        self._without_power = False
        self.plugged_at_s: dict[int, float] = {}
        """When a car was last plugged in, by EVSE; monotonic."""

    @property
    def name(self) -> str:
        """What the result calls this station."""
        return self._station.name

    async def plug(self, evse_id: int, connector_id: int = 1) -> None:
        """Connect a car."""
        await asyncio.sleep(HAND_S)
        self._plugged.add((evse_id, connector_id))
        self.plugged_at_s[evse_id] = time.monotonic()
        await self._station.plug(evse_id, connector_id)

    async def unplug(self, evse_id: int, connector_id: int = 1) -> None:
        """Disconnect the car."""
        await self._station.unplug(evse_id, connector_id)
        self._plugged.discard((evse_id, connector_id))

    async def suspend(self, evse_id: int) -> None:
        """The car stops taking energy."""
        await self._station.suspend(evse_id)

    async def resume(self, evse_id: int) -> None:
        """The car asks for energy again."""
        await self._station.resume(evse_id)

    async def end_session(self, evse_id: int) -> None:
        """The car ends its session."""
        await self._station.end_session(evse_id)

    async def not_ready(self, evse_id: int) -> None:
        """The next car is not ready."""
        await self._station.not_ready(evse_id)

    async def negotiate(self, evse_id: int, again_after_s: float = 0.0) -> None:
        """The next car negotiates a schedule."""
        await self._station.negotiate(evse_id, again_after_s)

    async def bring_contract(self, evse_id: int, known_root: bool) -> None:
        """The next car has a contract."""
        await self._station.bring_contract(evse_id, known_root)

    async def request_certificate(self, evse_id: int, action: str) -> None:
        """The next car asks for a contract certificate."""
        await self._station.request_certificate(evse_id, action)

    async def present(self, token: Token, evse_id: int) -> None:
        """Present a token."""
        await asyncio.sleep(HAND_S)
        await self._station.present(token, evse_id)

    async def store_customer(self, identifier: str, evse_id: int) -> None:
        """Make the station know a customer."""
        await self._station.store_customer(identifier, evse_id)

    async def reboot(self) -> None:
        """Restart the station in order."""
        await self._station.reboot()

    async def cut_power(self) -> None:
        """Take the supply away."""
        self._without_power = True
        await self._station.cut_power()

    async def restore_power(self) -> None:
        """Give the supply back."""
        await self._station.restore_power()
        self._without_power = False

    async def fault(self, evse_id: int, on: bool) -> None:
        """Make or remove a fault."""
        if on:
            self._faulted.add(evse_id)
        await self._station.fault(evse_id, on)
        if not on:
            self._faulted.discard(evse_id)

    async def clear_faults(self) -> None:
        """Let the station recover from faults whose cause is gone."""
        await self._station.clear_faults()

    async def undo(self) -> None:
        """Power on, no fault, no car."""
        if self._without_power:
            await self.restore_power()
        for evse_id in sorted(self._faulted):
            await self.fault(evse_id, False)
        for evse_id, connector_id in sorted(self._plugged):
            await self.unplug(evse_id, connector_id)
