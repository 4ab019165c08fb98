"""The car's body: pilot resistor, inlet contactors, battery, measured on the plant through its control socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hil.simulators.line_socket import LineSocket


@dataclass(frozen=True, slots=True)
class Inlet:
    """What the car measures. current_A positive into the battery."""

    inlet_V: float
    battery_V: float
    current_A: float
    soc_percent: float
    duty_percent: float | None
    pilot: str


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

    async def _car(self, change: dict[str, Any]) -> Inlet:
        seen = await self._plant.ask({"do": "car", "evse": self._evse, **change})
        return Inlet(
            inlet_V=float(seen["inlet_V"]),
            battery_V=float(seen["battery_V"]),
            current_A=float(seen["current_A"]),
            soc_percent=float(seen["soc_percent"]),
            duty_percent=seen["duty_percent"],
            pilot=str(seen["pilot"]),
        )
