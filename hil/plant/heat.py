"""A thermal mass: it warms by the power it loses, and cools towards its surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass

AMBIENT_DEGC = 25.0


@dataclass(slots=True)
class ThermalMass:
    """Exact for a constant loss during a step, however long the step."""

    capacity_J_per_K: float
    resistance_K_per_W: float
    """To the surroundings."""
    temperature_degC: float = AMBIENT_DEGC

    def step(self, loss_W: float, dt_s: float, ambient_degC: float = AMBIENT_DEGC) -> float:
        """Warm up or cool down; the new temperature."""
        settled_degC = ambient_degC + loss_W * self.resistance_K_per_W
        decay = math.exp(-dt_s / (self.capacity_J_per_K * self.resistance_K_per_W))
        self.temperature_degC = settled_degC + (self.temperature_degC - settled_degC) * decay
        return self.temperature_degC
