"""The grid, and the station's connection to it: what all connectors together take, beside what others behind the same fuse take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hil.plant.meter import MeterPlant

LIVE_SHARE = 0.5
"""Below this share of its nominal voltage the grid feeds nothing."""


@dataclass(slots=True)
class Grid:
    """`voltage_V` RMS from phase to neutral, 0 while the supply is lost."""

    voltage_V: float = 230.0
    frequency_Hz: float = 50.0
    lost_phase: int = 0
    """1 to 3: this phase alone is lost; 0: none."""
    nominal_V: float = 230.0

    @property
    def live(self) -> bool:
        """All phases feed."""
        return self.lost_phase == 0 and self.voltage_V >= LIVE_SHARE * self.nominal_V


@dataclass(slots=True)
class GridConnection:
    """Advance with `step` after the connectors. Positive: from the grid. `reversed_phase`: as at `AcOutletPlant`."""

    grid: Grid
    station_W: Callable[[], tuple[float, float, float]]
    """What the connectors take of each phase now."""
    meter: MeterPlant = field(default_factory=MeterPlant)
    others_W: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What everything else behind the same fuse takes of each phase."""
    reversed_phase: int = 0
    import_Wh: float = 0.0
    export_Wh: float = 0.0

    @property
    def powers_W(self) -> tuple[float, float, float]:
        """Of each phase, at the fuse."""
        one_W, two_W, three_W = self.station_W()
        other_one_W, other_two_W, other_three_W = self.others_W
        return one_W + other_one_W, two_W + other_two_W, three_W + other_three_W

    @property
    def voltages_V(self) -> tuple[float, float, float]:
        """Of each phase."""
        one, two, three = (0.0 if phase == self.grid.lost_phase else self.grid.voltage_V for phase in (1, 2, 3))
        return one, two, three

    @property
    def currents_A(self) -> tuple[float, float, float]:
        """Of each phase, positive from the grid; nothing flows in a phase without voltage."""
        one, two, three = (
            watts / volts if volts > 0.0 else 0.0 for watts, volts in zip(self.powers_W, self.voltages_V, strict=True)
        )
        return one, two, three

    def step(self, dt_s: float) -> None:
        """Count the energy of this step."""
        power_W = sum(self.powers_W)
        voltage_V = self.grid.voltage_V
        self.meter.step(voltage_V, power_W / voltage_V if voltage_V > 0.0 else 0.0, dt_s)
        if power_W >= 0.0:
            self.import_Wh += power_W * dt_s / 3600.0
        else:
            self.export_Wh -= power_W * dt_s / 3600.0
