"""The battery management of a car: how much of its ratings the battery takes and gives now. Limits that move while a session runs.

Shapes as real cars show them at fast chargers, simplified (own figures): less above 80 % and below 10 %, less when cold or hot.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hil.plant.battery import Battery

CHARGE_BY_SOC = ((0.0, 0.4), (10.0, 1.0), (60.0, 1.0), (80.0, 0.6), (95.0, 0.15), (100.0, 0.0))
DISCHARGE_BY_SOC = ((0.0, 0.0), (5.0, 0.2), (15.0, 1.0), (100.0, 1.0))
BY_TEMPERATURE = ((-20.0, 0.1), (0.0, 0.3), (15.0, 1.0), (42.0, 1.0), (55.0, 0.0))
"""degC of the cells -> share, in both directions."""


@dataclass(frozen=True, slots=True)
class BatteryShares:
    """0 to 1 of the car's rated charge and discharge limits."""

    charge: float = 1.0
    discharge: float = 1.0


def shares_of(battery: Battery) -> BatteryShares:
    """What this battery takes and gives now. A cell voltage at its bound ends it: so does the pack's."""
    warm = _at(BY_TEMPERATURE, battery.heat.temperature_degC)
    charge = 0.0 if battery.open_circuit_V >= battery.voltage_max_V else _at(CHARGE_BY_SOC, battery.soc_percent)
    discharge = 0.0 if battery.open_circuit_V <= battery.voltage_min_V else _at(DISCHARGE_BY_SOC, battery.soc_percent)
    return BatteryShares(charge * warm, discharge * warm)


def _at(curve: tuple[tuple[float, float], ...], x: float) -> float:
    if x <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]
