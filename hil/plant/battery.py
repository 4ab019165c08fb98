"""The car's battery: open-circuit voltage over state of charge, and internal resistance."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hil.plant.heat import ThermalMass

_CURVE = (
    (0.0, 0.80),
    (5.0, 0.875),
    (10.0, 0.91),
    (20.0, 0.935),
    (50.0, 0.965),
    (80.0, 1.0),
    (95.0, 1.03),
    (100.0, 1.05),
)
"""SoC in percent -> open-circuit voltage over nominal; the shape of an NMC cell, simplified (not from one data sheet)."""

_PIECES = tuple(itertools.pairwise(_CURVE))


@dataclass(slots=True)
class Battery:
    """Charge moves with the energy at the chemistry (open-circuit voltage times current)."""

    capacity_Wh: float = 60_000.0
    soc_percent: float = 50.0
    nominal_V: float = 400.0
    resistance_ohm: float = 0.08
    voltage_max_V: float = 450.0
    voltage_min_V: float = 300.0
    heat: ThermalMass = field(default_factory=lambda: ThermalMass(350_000.0, 0.02))
    """Some 350 kg of cells and a cooling that takes away 50 W per kelvin."""

    @property
    def open_circuit_V(self) -> float:
        """Voltage without current at this state of charge."""
        return self.nominal_V * shape(self.soc_percent)

    def set_open_circuit_V(self, voltage_V: float) -> None:
        """Choose the nominal voltage so that the open-circuit voltage at this state of charge is `voltage_V`."""
        self.nominal_V = voltage_V / shape(self.soc_percent)

    def warm(self, current_A: float, dt_s: float) -> None:
        """One step with this current through the internal resistance."""
        self.heat.step(current_A * current_A * self.resistance_ohm, dt_s)

    def take_Wh(self, energy_Wh: float) -> None:
        """Charge (positive) or discharge by that much at the chemistry; stops at empty and full."""
        self.soc_percent = min(100.0, max(0.0, self.soc_percent + 100.0 * energy_Wh / self.capacity_Wh))


def shape(soc_percent: float) -> float:
    """Open-circuit voltage over nominal voltage, piecewise linear."""
    for (x0, y0), (x1, y1) in _PIECES:
        if soc_percent <= x1:
            return y0 + (y1 - y0) * (soc_percent - x0) / (x1 - x0)
    return _CURVE[-1][1]
