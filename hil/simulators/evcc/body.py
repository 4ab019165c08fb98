"""The car's body: pilot resistor, inlet contactors, battery, measured on the plant through its control socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANSWER_TIMEOUT_S = 2.0
LINE_MAX_BYTES = 1 << 20


class PlantError(RuntimeError):
    """The plant refused, or is gone."""


class PlantSocket:
    """JSON lines to the plant: one request, one answer, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer; raises PlantError with the plant's own words."""
        async with self._lock, asyncio.timeout(ANSWER_TIMEOUT_S):
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(str(self._path), limit=LINE_MAX_BYTES)
            reader, writer = self._streams
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        if not line:
            self._streams = None
            raise PlantError("the plant closed its socket")
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ok"):
            raise PlantError(json.dumps(answer.get("error")))
        return answer

    async def close(self) -> None:
        """Give the connection back."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


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

    def __init__(self, plant: PlantSocket, evse: int) -> None:
        self._plant = plant
        self._evse = evse

    async def look(self) -> Inlet:
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
