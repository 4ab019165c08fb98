"""The whole plant: all connectors on one clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.evse import EvsePlant
from hil.plant.grid import Grid, GridConnection
from hil.plant.watch import Watch

STEP_S = 0.002
CATCH_UP_MAX_S = 0.25
"""A stalled host process lets the plant's time stand still rather than jump further than this."""


@dataclass(slots=True)
class Plant:
    """Advance with `advance_to`; steps of 2 ms."""

    evses: dict[int, EvsePlant] = field(default_factory=dict)
    outlets: dict[int, AcOutletPlant] = field(default_factory=dict)
    """The AC connectors; `evses` are the DC connectors."""
    grid: Grid = field(default_factory=Grid)
    """One for all connectors: `join` gives it to them."""
    connection: GridConnection = field(init=False)
    steps: int = 0
    skipped_s: float = 0.0
    watches: list[Watch] = field(default_factory=list)
    """Who looks at a connector after each of its steps; made by `watch`."""
    _at_s: float | None = None

    def __post_init__(self) -> None:
        self.connection = GridConnection(self.grid, self._station_W)

    def join(self) -> None:
        """From now on the connectors that are there have this plant's grid."""
        for connector in self._every():
            connector.grid = self.grid

    def _station_W(self) -> tuple[float, float, float]:
        shared_W = sum(evse.grid_W for evse in self.evses.values()) / 3.0
        if not self.outlets:
            return shared_W, shared_W, shared_W
        one, two, three = (
            shared_W
            + sum(
                current_A * volts
                for outlet in self.outlets.values()
                for number, (current_A, volts) in enumerate(
                    zip(outlet.currents_A, outlet.voltages_V, strict=True), start=1
                )
                if number == phase
            )
            for phase in (1, 2, 3)
        )
        return one, two, three

    def watch(self) -> None:
        """From now on each connector has a watch."""
        self.watches = [Watch(connector) for connector in self._every()]

    def advance_to(self, now_s: float) -> None:
        """Step until less than one step is missing to `now_s` (monotonic seconds)."""
        if self._at_s is None:
            self._at_s = now_s
            for evse in self._every():
                evse.now_s = now_s
            return
        behind_s = now_s - self._at_s
        if behind_s > CATCH_UP_MAX_S:
            lost_s = behind_s - CATCH_UP_MAX_S
            self.skipped_s += lost_s
            self._at_s += lost_s
            for evse in self._every():
                evse.now_s += lost_s
        while self._at_s + STEP_S <= now_s:
            self._at_s += STEP_S
            self.steps += 1
            for evse in self._every():
                evse.step(STEP_S)
            self.connection.step(STEP_S)
            for watch in self.watches:
                watch.step()

    def _every(self) -> Iterator[EvsePlant | AcOutletPlant]:
        yield from self.evses.values()
        yield from self.outlets.values()
