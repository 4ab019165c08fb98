"""What every CAN power module can be asked and ordered, in words that no maker owns. Pure.

A dialect (`infypower.py`, `winline.py`, `uugreen.py`) turns these words into frames and frames into these words. `can_module.py`
knows the order of things, and no frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from chargepoint.ports import PowerModuleCapabilities, Reversal
from drivers.can.frame import CanFilter, CanFrame


class Quantity(Enum):
    """What a module can be asked for. Volts, amperes (positive out of the module), watts, degrees Celsius."""

    VOLTAGE = "voltage"
    CURRENT = "current"
    STATUS = "status"
    SETTING_SHOWN = "working mode or range"
    VOLTAGE_SET = "voltage set-point"
    CURRENT_SET = "current set-point"
    TEMPERATURE = "temperature"
    RATED_VOLTAGE_MAX = "highest voltage"
    RATED_VOLTAGE_MIN = "lowest voltage"
    RATED_CURRENT = "rated current"
    RATED_POWER = "rated power"


class ModuleOrder(Enum):
    """What a module can be ordered. SETTING is what changes only while the output is off: a working mode or a voltage range."""

    OUTPUT = "output"
    VOLTAGE = "voltage"
    CURRENT = "current"
    SETTING = "working mode or range"
    SOFT_START_OFF = "soft start off"


@dataclass(frozen=True, slots=True)
class Status:
    """The module's state bits in words."""

    output_on: bool
    faults: tuple[str, ...] = ()
    """These stop the module."""
    remarks: tuple[str, ...] = ()
    """These do not: a limit that acts, a soft start under way."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The answer to a question; finite where it is a number."""

    quantity: Quantity
    value: float | Status


@dataclass(frozen=True, slots=True)
class Accepted:
    """The module confirms an order."""

    order: ModuleOrder


@dataclass(frozen=True, slots=True)
class Rejected:
    """The module refuses an order or a question, `why` in words. `passing`: it may accept the same later."""

    subject: ModuleOrder | Quantity
    why: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that passed the filter and is no valid answer."""

    why: str


Answer = Shown | Accepted | Rejected | Unreadable


@dataclass(frozen=True, slots=True)
class Ratings:
    """What the module may do: as it reports, bounded by what the configuration says. Magnitudes."""

    voltage_max_V: float
    voltage_min_V: float
    current_max_A: float
    power_max_W: float


@dataclass(frozen=True, slots=True)
class Manners:
    """How a family of modules behaves. Seconds.

    `setting_rest_s`: rest before and after a change of the setting, with the output off (facts: «mode_change_time»).
    `comm_loss_s`: the module switches off by itself after that long without us; None: not known, so it counts as never.
    """

    reads: tuple[tuple[Quantity, float], ...]
    """What is asked in turn, and how often."""
    ratings: tuple[Quantity, ...]
    """What is asked before the module counts as identified."""
    discharges: bool
    reads_back: bool
    """The set-points can be read back."""
    setting_read_back: bool
    setting_rest_s: float
    soft_start_ends: bool
    """SOFT_START_OFF is an order this family knows."""
    comm_loss_s: float | None
    reversal: Reversal
    reversal_time_s: float


class Dialect(Protocol):
    """One family of modules at one address."""

    manners: Manners

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        """Frames of this module to us."""

    def question(self, quantity: Quantity) -> CanFrame:
        """Ask for it. Raises KeyError for what this family does not know."""

    def order(self, order: ModuleOrder, value: float) -> CanFrame:
        """The frame of an order; OUTPUT takes 0 or 1, SETTING one of the dialect's own numbers."""

    def answer(self, frame: CanFrame) -> Answer:
        """What the frame says. Never raises."""

    def setting_for(self, current_A: float, voltage_V: float) -> float | None:
        """Which setting this signed current needs at that highest voltage; None: this family has none, or any will do."""

    def ratings(self, shown: dict[Quantity, float]) -> Ratings:
        """The ratings of what was shown."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the configuration allows of a module, magnitudes; infinite where it says nothing."""

    voltage_max_V: float = math.inf
    voltage_min_V: float = 0.0
    charge_current_max_A: float = math.inf
    discharge_current_max_A: float = math.inf
    power_max_W: float = math.inf
    ramp_A_per_s: float = 200.0
    """Facts give no slope for these families: a stated default, grade D."""
    comm_loss_s: float | None = field(default=None)
    """Measured by the installer where the maker's figure is not known; None: the family's."""


def capabilities(ratings: Ratings, manners: Manners, bounds: Bounds) -> PowerModuleCapabilities:
    """The smaller of what the module reports and what the configuration allows."""
    current_A, power_W = ratings.current_max_A, min(ratings.power_max_W, bounds.power_max_W)
    discharge_A = min(current_A, bounds.discharge_current_max_A) if manners.discharges else 0.0
    return PowerModuleCapabilities(
        voltage_min_V=max(ratings.voltage_min_V, bounds.voltage_min_V),
        voltage_max_V=min(ratings.voltage_max_V, bounds.voltage_max_V),
        charge_current_max_A=min(current_A, bounds.charge_current_max_A),
        discharge_current_max_A=discharge_A,
        charge_power_max_W=power_W,
        discharge_power_max_W=power_W if discharge_A else 0.0,
        ramp_A_per_s=bounds.ramp_A_per_s,
        reversal=manners.reversal,
        reversal_time_s=manners.reversal_time_s,
        comm_loss_s=manners.comm_loss_s if bounds.comm_loss_s is None else bounds.comm_loss_s,
    )
