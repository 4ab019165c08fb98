"""The power stage between grid and DC terminals: losses, the power it takes from the grid, its heat, and how much it can do when hot.

Figures are of a SiC stage of some 30 kW as makers state them, rounded, not of one data sheet: 97 % at half load, a standby of some watts,
derating from 55 degrees Celsius of its heat sink on.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hil.plant.heat import ThermalMass

EFFICIENCY = ((0.0, 0.50), (0.02, 0.80), (0.05, 0.90), (0.10, 0.94), (0.25, 0.965), (0.50, 0.970), (1.00, 0.960))
"""Share of the rated power -> efficiency, the same in both directions."""

_PIECES = tuple(itertools.pairwise(EFFICIENCY))

STANDBY_W, RUNNING_W = 15.0, 40.0
"""What the stage takes while its output is off, and at least while it is on."""

DERATING_BEGINS_DEGC, DERATING_ENDS_DEGC = 75.0, 95.0
"""Of the heat sink: below the first everything, at the second nothing."""


@dataclass(slots=True)
class Conversion:
    """Of one module. `grid_W` and `loss_W` after the last step; positive from the grid."""

    rated_W: float
    sink: ThermalMass = field(default_factory=lambda: ThermalMass(8_000.0, 0.02))
    grid_W: float = 0.0
    grid_var: float = 0.0
    """Reactive power, positive inductive."""
    power_factor: float = 1.0
    """What the stage keeps while power flows; below 1: inductive."""
    loss_W: float = 0.0
    ambient_degC: float = 25.0

    def step(self, terminal_W: float, dt_s: float, *, on: bool) -> None:
        """`terminal_W` leaves the DC terminals (negative: enters them)."""
        self.loss_W = loss_of(terminal_W, self.rated_W) if on else STANDBY_W
        self.grid_W = terminal_W + self.loss_W
        self.grid_var = 0.0
        if on and self.power_factor < 1.0:
            self.grid_var = abs(self.grid_W) * (1.0 / max(0.1, self.power_factor) ** 2 - 1.0) ** 0.5
        self.sink.step(self.loss_W, dt_s, self.ambient_degC)

    @property
    def available_share(self) -> float:
        """What it can do of its rating at this temperature: 0 to 1."""
        span_K = DERATING_ENDS_DEGC - DERATING_BEGINS_DEGC
        return min(1.0, max(0.0, (DERATING_ENDS_DEGC - self.sink.temperature_degC) / span_K))


def efficiency(load_share: float) -> float:
    """Output over input at this share of the rated power, either direction."""
    share = min(1.0, abs(load_share))
    for (x0, y0), (x1, y1) in _PIECES:
        if share <= x1:
            return y0 + (y1 - y0) * (share - x0) / (x1 - x0)
    return EFFICIENCY[-1][1]


def loss_of(terminal_W: float, rated_W: float) -> float:
    """What the running stage turns into heat. Charging, the grid gives terminals and loss; discharging, the terminals give both."""
    share = efficiency(terminal_W / rated_W)
    through_W = abs(terminal_W)
    loss_W = through_W * (1.0 / share - 1.0) if terminal_W >= 0.0 else through_W * (1.0 - share)
    return max(RUNNING_W, loss_W)
