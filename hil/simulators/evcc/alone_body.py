"""A body for a car that has neither a plant nor hardware: it measures what a good outlet would give it."""

from __future__ import annotations

from dataclasses import replace

from hil.simulators.evcc.body import Inlet


class AloneBody:
    """Fulfils `CarBody`. The pilot always calls. In state C the inlet has the battery's voltage, in state B none; no current flows.

    So any SECC can be talked to, whether power stands behind it or not. What the car measures proves nothing about that power.
    """

    def __init__(self, battery_V: float, soc_percent: float) -> None:
        self._inlet = Inlet(0.0, battery_V, 0.0, soc_percent, 5.0, "B")

    async def measure(self) -> Inlet:
        """Measure."""
        return self._inlet

    async def pilot(self, state: str) -> Inlet:
        """`B` or `C`."""
        live_V = self._inlet.battery_V if state == "C" else 0.0
        self._inlet = replace(self._inlet, pilot=state, inlet_V=live_V)
        return self._inlet

    async def contactors(self, *, closed: bool) -> Inlet:
        """They are as ordered."""
        return self._inlet

    async def charger(self, power_W: float) -> Inlet:
        """It gives what is ordered."""
        self._inlet = replace(self._inlet, charger_W=power_W)
        return self._inlet
