"""The grid, and the station's connection to it: what all connectors together take, beside what others behind the same fuse take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hil.plant.island import NOMINAL_HZ, Island
from hil.plant.meter import MeterPlant

MEASURING_S = 0.1
"""Over which a meter measures the frequency (own figure)."""
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

    island: Island | None = None
    """What feeds instead of the grid; its frequency and voltage become those of this grid."""
    jump_Hz: float = 0.0
    """What a measurement of the frequency shows too much, for so long as its window holds a jump of the phase."""
    _jump_left_s: float = 0.0

    @property
    def seen_Hz(self) -> float:
        """What meters measure: a jump of the phase looks like another frequency."""
        return self.frequency_Hz + self.jump_Hz

    def jump_phase(self, degrees: float) -> None:
        """The phase jumps: a measurement over `MEASURING_S` is wrong by that part of a period in its window."""
        self.jump_Hz, self._jump_left_s = degrees / 360.0 / MEASURING_S, MEASURING_S

    def begin_island(self, rated_W: float, load_W: float, inertia_s: float) -> None:
        """From now on a generator of this rating feeds what is taken now."""
        self.island = Island.begin(rated_W, load_W, self.voltage_V, self.nominal_V, inertia_s)

    def end_island(self) -> None:
        """The grid is back: the generator is synchronised with it, and then they are joined. A dark island is joined at once."""
        if self.island is not None:
            self.island.leaving = True

    def step(self, load_W: float, dt_s: float) -> None:
        """Advance by `dt_s` with what all take, in watts."""
        if self._jump_left_s > 0.0:
            self._jump_left_s -= dt_s
            if self._jump_left_s <= 0.0:
                self.jump_Hz = 0.0
        if (island := self.island) is None:
            return
        island.step(load_W, dt_s)
        self.frequency_Hz, self.voltage_V = island.frequency_Hz, island.voltage_V
        if island.leaving and island.synchronous:
            self.island, self.frequency_Hz, self.voltage_V = None, NOMINAL_HZ, self.nominal_V

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
        self.grid.step(power_W, dt_s)
        voltage_V = self.grid.voltage_V
        self.meter.step(voltage_V, power_W / voltage_V if voltage_V > 0.0 else 0.0, dt_s)
        if power_W >= 0.0:
            self.import_Wh += power_W * dt_s / 3600.0
        else:
            self.export_Wh -= power_W * dt_s / 3600.0
