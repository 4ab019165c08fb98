"""What a meter at the station's connection to the grid shows: everything behind the fuse, the EVSEs with it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteMeterReading:
    """Power in W, positive from the grid. `taken_at_s` monotonic: when it arrived.

    `phases_W`: one value for each phase, or one value alone: the sum of all phases. Raises ValueError for another number.
    """

    taken_at_s: float
    phases_W: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.phases_W) not in (1, 3):
            raise ValueError(f"{len(self.phases_W)} values: the sum alone, or one for each of three phases")
        for power_W in self.phases_W:
            if not math.isfinite(power_W):
                raise ValueError(f"{power_W}: a finite number of watts")

    @property
    def power_W(self) -> float:
        """Of all phases."""
        return sum(self.phases_W)
