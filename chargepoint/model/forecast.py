"""The future as far as it is known: what one owner will contribute, and what follows from all owners for one EVSE.

Times are monotonic seconds in a `Plan`, and seconds from the begin in a `Forecast`. Power in W, positive into the car.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from chargepoint.model.demand import Contribution

PLAN_STEPS_MAX = 1024
"""No plan has more steps; whoever knows more ends the plan earlier (`until_s`)."""


@dataclass(frozen=True, slots=True)
class TariffPiece:
    """What energy costs from `from_s` (monotonic) until the next piece, and at most until `until_s`.

    Either `price_per_kWh` in `currency` (ISO 4217), or `level`: 0 is the cheapest, 255 the highest. Raises ValueError for
    both, neither, or a level out of its bounds.
    """

    from_s: float
    price_per_kWh: float | None = None
    currency: str = ""
    level: int | None = None
    until_s: float = math.inf

    def __post_init__(self) -> None:
        if (self.price_per_kWh is None) == (self.level is None):
            raise ValueError("a piece of a tariff has either a price or a level")
        if self.price_per_kWh is not None and not (math.isfinite(self.price_per_kWh) and len(self.currency) == 3):
            raise ValueError("a price is a finite number with a currency of three letters")
        if self.level is not None and not 0 <= self.level <= 255:
            raise ValueError(f"level {self.level}: 0 to 255")


@dataclass(frozen=True, slots=True)
class PlanStep:
    """From `from_s` (monotonic) until the next step, these are all contributions of the owner.

    The `valid_until_s` of these contributions has no meaning: the plan says how long they hold.
    """

    from_s: float
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one owner will contribute if nothing changes, known up to `until_s` (monotonic).

    Steps with strictly rising times, 1 to 1024. `tariff` may be empty: this owner knows no prices. Raises ValueError.
    """

    steps: tuple[PlanStep, ...]
    until_s: float
    tariff: tuple[TariffPiece, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= PLAN_STEPS_MAX:
            raise ValueError(f"a plan of {len(self.steps)} steps: 1 to {PLAN_STEPS_MAX}")
        for times_s in ([step.from_s for step in self.steps], [piece.from_s for piece in self.tariff]):
            if any(later <= earlier for earlier, later in itertools.pairwise(times_s)):
                raise ValueError("the steps of a plan have rising times")


@dataclass(frozen=True, slots=True)
class ForecastPiece:
    """What may and should flow from `start_s` (seconds from the forecast's begin) for `duration_s` > 0.

    `charge_max_W` and `discharge_max_W` are magnitudes >= 0. `target_W` None: nobody asks for a certain power. `why` is the
    arbiter's sentence for the begin of this piece.
    """

    start_s: float
    duration_s: float
    charge_max_W: float
    discharge_max_W: float
    target_W: float | None
    why: str

    @property
    def end_s(self) -> float:
        """Where this piece ends, in seconds from the forecast's begin."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the arbiter foresees from `begin_s` (monotonic) on. The pieces follow each other without a gap.

    `tariff` is empty where no tariff is known; its times are monotonic.
    """

    begin_s: float
    pieces: tuple[ForecastPiece, ...]
    tariff: tuple[TariffPiece, ...] = ()

    @property
    def duration_s(self) -> float:
        """How far the forecast reaches; less than asked where a plan ends earlier."""
        return self.pieces[-1].end_s if self.pieces else 0.0
