"""Demand: contributions of each party, the one setpoint made of them, the order to the power stage."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Self

from chargepoint.model.ids import EvseId
from chargepoint.model.limits import NOTHING, ZERO, Interval, PowerLimits


class Source(Enum):
    """The kind of party behind a contribution, in the order of narrowing. A later source never widens the limits of an earlier one."""

    HARDWARE = "hardware"  # ratings of module, cable, connector; thermal derating
    CAR = "car"  # what the car can take and give, and what it asks for
    SITE = "site"  # the building's connection, local energy management
    CSMS = "csms"  # the central system
    DRIVER = "driver"  # the person: state of charge to keep, departure
    DEFAULT = "default"  # what happens when nobody has an opinion

    def __init__(self, _: str) -> None:
        self.rank = len(type(self).__members__)
        """0 narrows first."""


@dataclass(frozen=True, slots=True)
class FrequencyWattLaw:
    """Power as a function of grid frequency; the place for FCR (OCPP 2.1 Q08).

    At a DC outlet the power process evaluates the law. At an AC outlet the daemon does, and sends the result to the car.

    `points` are (frequency_Hz, power_W), frequencies strictly rising, at least two; outside the curve the end value
    holds. Source: OCPP 2.1 Part 2, v2xFreqWattCurve; docs/sources/ocpp.md 7.1.
    """

    baseline_W: float
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        frequencies = [f for f, _ in self.points]
        if len(frequencies) < 2 or any(b <= a for a, b in itertools.pairwise(frequencies)):
            raise ValueError("a frequency-watt law has at least two points with rising frequencies")

    def power_at(self, frequency_Hz: float | None) -> float | None:
        """Baseline plus the curve at this frequency, in W; None where the frequency is not known."""
        if frequency_Hz is None:
            return None
        frequencies = [f for f, _ in self.points]
        if frequency_Hz <= frequencies[0]:
            return self.baseline_W + self.points[0][1]
        if frequency_Hz >= frequencies[-1]:
            return self.baseline_W + self.points[-1][1]
        upper = bisect_right(frequencies, frequency_Hz)
        (f0, p0), (f1, p1) = self.points[upper - 1], self.points[upper]
        share = (frequency_Hz - f0) / (f1 - f0)
        return self.baseline_W + (p0 * (1 - share) + p1 * share)  # so that even huge powers give no NaN


Target = float | FrequencyWattLaw
"""A setpoint is a number of watts, or a law of the grid frequency."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One party's limits and target for one EVSE, and until when both hold.

    `limits_W` None: the party sets no limits. `target_W` None: the party wants no certain power. After `valid_until_s`
    (monotonic) the contribution is as if never made. `reason` finishes the sentence «limited by <source>: <reason>».
    """

    source: Source
    evse_id: EvseId
    valid_until_s: float
    reason: str
    limits_W: Interval | None = None
    target_W: Target | None = None
    key: str = ""
    """Distinguishes several contributions of one owner (two charging profiles, say); the same key replaces."""

    def __post_init__(self) -> None:
        if isinstance(self.target_W, (int, float)) and not math.isfinite(self.target_W):
            raise ValueError("a target is a finite number of watts")


@dataclass(frozen=True, slots=True)
class Setpoint:
    """What the arbiter made of all contributions for one EVSE, with its explanation.

    `power_W` is the value aimed at (for a law: its value at nominal frequency, `law` set); `limits_W` what may flow
    at all; `decided_by` whose target it was; `limited_by` who cut it (None: nobody did); `explanation` one sentence.
    """

    evse_id: EvseId
    power_W: float
    limits_W: Interval
    decided_by: Source
    limited_by: Source | None
    explanation: str
    valid_until_s: float
    law: FrequencyWattLaw | None = None

    def power_at(self, frequency_Hz: float | None) -> float:
        """The power in W that shall flow at this grid frequency, within the limits; 0 for a law without a known frequency."""
        if self.law is None:
            return self.power_W
        wanted_W = self.law.power_at(frequency_Hz)
        return 0.0 if wanted_W is None else self.limits_W.clamp(wanted_W)


class Phase(IntEnum):
    """What the daemon asks the power stage to be in. OFF is the default of everything. Numbers go over the link."""

    OFF = 0
    CABLE_CHECK = 1
    PRE_CHARGE = 2
    TRANSFER = 3


class PilotCommand(IntEnum):
    """What the control pilot shall show (IEC 61851-1 Annex A). Numbers are those of the generic IO map."""

    F = 0
    E = 1
    X1 = 2
    PWM = 3


@dataclass(frozen=True, slots=True)
class DcOrder:
    """What a DC output needs besides the power. The default allows nothing.

    `limits`: what both car and stage can. Their highest voltage is the car's maximum: never exceeded at the output, and the
    basis of the cable check's voltage. Their lowest voltage is the least battery voltage while discharging.
    `voltage_target_V` is what PRE_CHARGE matches and what bounds the output while charging in TRANSFER; 0: the car names none.
    """

    limits: PowerLimits = NOTHING
    voltage_target_V: float = 0.0


@dataclass(frozen=True, slots=True)
class AcOrder:
    """What an AC outlet needs besides the power.

    `phase_limits_A`: the RMS current that each phase in use may carry, L1 first: one or three magnitudes >= 0. Raises ValueError for
    another number of phases.
    """

    phase_limits_A: tuple[float, ...]
    car_power_W: float | None = None
    """No order: what the car says it draws now, signed, a second witness beside the meter. None: the car does not say."""

    def __post_init__(self) -> None:
        if len(self.phase_limits_A) not in (1, 3):
            raise ValueError(f"an order for {len(self.phase_limits_A)} phases: 1 or 3")

    @classmethod
    def even(cls, phases: int, current_A: float, car_power_W: float | None = None) -> Self:
        """The same current for each of so many phases."""
        return cls((current_A,) * phases, car_power_W)

    @property
    def phases(self) -> int:
        """That the car uses, 1 or 3."""
        return len(self.phase_limits_A)


NO_DC_ORDER = DcOrder()


@dataclass(frozen=True, slots=True)
class StageDemand:
    """The daemon's order to one EVSE's power stage. Holds for `lease_s` after the power process received it; then
    the ramp takes power to zero and the contactor opens.

    The fields are common to both kinds of outlet; `order` holds what only a DC or only an AC outlet needs.
    `power_W` signed, positive into the car.
    """

    evse_id: EvseId
    seq: int
    lease_s: float
    phase: Phase
    pilot: PilotCommand
    duty_percent: float
    lock: bool
    power_W: float = 0.0
    limits_W: Interval = ZERO
    law: FrequencyWattLaw | None = None
    order: DcOrder | AcOrder = NO_DC_ORDER

    @property
    def dc(self) -> DcOrder:
        """The order of a DC output; one that allows nothing where the daemon took the output for an AC outlet."""
        return self.order if isinstance(self.order, DcOrder) else NO_DC_ORDER
