"""The car's body: pilot resistor, inlet contactors, battery, on-board charger.

`CarBody` is the port. `PlantBody` and `AcOutletBody` are cars on the plant, measured through its control sockets.
`MemoryBody` is a body without a plant for tests of the core.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from hil.simulators.evcc.orders import CarOrder, OrderCharger, OrderContactors, OrderPilot
from hil.simulators.line_socket import LineSocket, Refused


@dataclass(frozen=True, slots=True)
class Inlet:
    """What the car measures. Positive current and power flow into the car."""

    inlet_V: float
    battery_V: float
    current_A: float
    soc_percent: float
    duty_percent: float | None
    pilot: str
    charger_W: float = 0.0
    """Active power of the on-board charger (AC)."""
    charge_share: float = 1.0
    """What the battery takes now, as a share of the car's rated limits: 0 to 1 (DC)."""
    discharge_share: float = 1.0


NOTHING_MEASURED = Inlet(0.0, 0.0, 0.0, 50.0, None, "B")


def is_digital(measured: Inlet) -> bool:
    """The pilot asks for digital communication: 5 % duty, 3 to 7 % measured (IEC 61851-1 Annex A)."""
    return measured.duty_percent is not None and 3.0 <= measured.duty_percent <= 7.0


class CarBody(Protocol):
    """Each call returns what the car measures after it. Raises `hil.simulators.line_socket.Refused`."""

    async def measure(self) -> Inlet:
        """Measure."""

    async def pilot(self, state: str) -> Inlet:
        """`B` or `C`."""

    async def contactors(self, *, closed: bool) -> Inlet:
        """Close or open the inlet contactors."""

    async def charger(self, power_W: float) -> Inlet:
        """Active power of the on-board charger, sum of its phases."""


class PlantBody:
    """One EVSE's car on the plant."""

    def __init__(self, plant: LineSocket, evse: int) -> None:
        self._plant = plant
        self._evse = evse

    async def measure(self) -> Inlet:
        """Measure."""
        return await self._car({})

    async def pilot(self, state: str) -> Inlet:
        """`B` or `C`."""
        return await self._car({"pilot": state})

    async def contactors(self, *, closed: bool) -> Inlet:
        """Close or open the inlet contactors."""
        return await self._car({"contactors": "closed" if closed else "open"})

    async def charger(self, power_W: float) -> Inlet:
        """A car on a DC outlet has no use for its on-board charger."""
        raise Refused(f"charger = {power_W:g} W: EVSE {self._evse} is a DC outlet; plan DC, or use an AC outlet")

    async def _car(self, change: dict[str, Any]) -> Inlet:
        measured = await self._plant.ask({"do": "car", "evse": self._evse, **change})
        return Inlet(
            inlet_V=float(measured["inlet_V"]),
            battery_V=float(measured["battery_V"]),
            current_A=float(measured["current_A"]),
            soc_percent=float(measured["soc_percent"]),
            duty_percent=measured["duty_percent"],
            pilot=str(measured["pilot"]),
            charge_share=float(measured["charge_share"]),
            discharge_share=float(measured["discharge_share"]),
        )


class AcOutletBody:
    """The car at one AC outlet of the bench (`hil/simulators/ac_control.py`); it has no contactors of its own."""

    def __init__(self, outlet: LineSocket, evse: int) -> None:
        self._outlet = outlet
        self._evse = evse

    async def measure(self) -> Inlet:
        """Measure."""
        return await self._car({})

    async def pilot(self, state: str) -> Inlet:
        """`B` or `C`."""
        return await self._car({"pilot": state})

    async def contactors(self, *, closed: bool) -> Inlet:
        """Nothing to do: the outlet's contactor is the station's."""
        return await self._car({})

    async def charger(self, power_W: float) -> Inlet:
        """Order this power from the on-board charger, positive into the car."""
        return await self._car({"power_W": power_W})

    async def _car(self, change: dict[str, Any]) -> Inlet:
        measured = await self._outlet.ask({"do": "car", "evse": self._evse, **change})
        return Inlet(
            inlet_V=float(measured["voltage_V"]),
            battery_V=0.0,
            current_A=float(measured["current_A"]),
            soc_percent=float(measured["soc_percent"]),
            duty_percent=measured["duty_percent"],
            pilot=str(measured["pilot"]),
            charger_W=float(measured["power_W"]),
        )


@dataclass(slots=True)
class MemoryBody:
    """A body that obeys at once; tests set what the inlet measures."""

    inlet: Inlet = field(default_factory=lambda: Inlet(0.0, 400.0, 0.0, 50.0, 5.0, "B"))
    contactors_closed: bool = False
    history: list[CarOrder] = field(default_factory=list)

    def perform(self, order: CarOrder) -> None:
        """Obey one order; an order to the connection is only kept in the history."""
        self.history.append(order)
        match order:
            case OrderPilot(state):
                self.inlet = replace(self.inlet, pilot=state)
            case OrderContactors(closed):
                self.contactors_closed = closed
            case OrderCharger(power_W):
                self.inlet = replace(self.inlet, charger_W=power_W)
