"""Limits of what may flow: an interval of a signed quantity, and the ratings of a thing that power passes through.

Positive power flows into the car, negative power out of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval [low, high] of a signed quantity; low <= high, both finite or infinite, never NaN."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            raise ValueError("an interval has no NaN")
        if self.low > self.high:
            raise ValueError(f"interval low {self.low:g} above high {self.high:g}")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def clamp(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.low), self.high)

    def intersect(self, other: Interval) -> Interval | None:
        """What both allow, or None where they have nothing in common."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else None

    def scaled(self, factor: float) -> Interval:
        """Both bounds times a factor >= 0."""
        if factor < 0:
            raise ValueError(f"factor {factor:g}: at least 0")
        return Interval(self.low * factor, self.high * factor)


ZERO = Interval(0.0, 0.0)
"""Nothing may flow: the default of every limit that has expired."""

UNBOUNDED = Interval(-math.inf, math.inf)
"""No limit."""


def charge_only(high: float) -> Interval:
    """[0, high]: charging up to `high`, no discharge."""
    return Interval(0.0, max(0.0, high))


def bidirectional(charge: float, discharge: float) -> Interval:
    """[-discharge, charge] from two magnitudes; either sign is accepted and the magnitude kept.

    Source: docs/sources/safety.md 4.1 (ISO 15118-20 V2G20-2654/2655 compare absolute values; libraries differ in sign).
    """
    return Interval(-abs(discharge), abs(charge))


@dataclass(frozen=True, slots=True)
class PowerLimits:
    """What a car, a power module, a connector or a whole power stage can take and give. Magnitudes >= 0.

    Voltage, current and power bound together: none of them is a promise for a given voltage of the battery. Below a minimum power
    the flow may drop to zero for technical reasons. Source: docs/sources/safety.md 4.1 (MinimumDischargePower).

    At an AC outlet the voltages are RMS from phase to neutral. The powers are those of all phases together, and each current
    is the sum of all phases. So voltage times current is the power at both kinds of outlet.
    """

    voltage_min_V: float
    voltage_max_V: float
    charge_current_max_A: float
    discharge_current_max_A: float
    charge_power_max_W: float
    discharge_power_max_W: float
    charge_power_min_W: float = field(default=0.0, kw_only=True)
    discharge_power_min_W: float = field(default=0.0, kw_only=True)

    @property
    def current_max_A(self) -> float:
        """The greater of both directions, a magnitude."""
        return max(self.charge_current_max_A, self.discharge_current_max_A)

    def within(self, *others: PowerLimits) -> Self:
        """The narrower bound of each pair: the lower maximum, the higher minimum. All else stays as it is here."""
        everyone: tuple[PowerLimits, ...] = (self, *others)
        return replace(
            self,
            voltage_min_V=max(one.voltage_min_V for one in everyone),
            voltage_max_V=min(one.voltage_max_V for one in everyone),
            charge_current_max_A=min(one.charge_current_max_A for one in everyone),
            discharge_current_max_A=min(one.discharge_current_max_A for one in everyone),
            charge_power_max_W=min(one.charge_power_max_W for one in everyone),
            discharge_power_max_W=min(one.discharge_power_max_W for one in everyone),
            charge_power_min_W=max(one.charge_power_min_W for one in everyone),
            discharge_power_min_W=max(one.discharge_power_min_W for one in everyone),
        )

    def current_at(self, voltage_V: float) -> Interval:
        """The signed current in A that current and power limits leave at this voltage, in V and above 0."""
        return Interval(
            -min(self.discharge_current_max_A, self.discharge_power_max_W / voltage_V),
            min(self.charge_current_max_A, self.charge_power_max_W / voltage_V),
        )

    def one_way(self) -> Self:
        """The same without discharge."""
        return replace(self, discharge_current_max_A=0.0, discharge_power_max_W=0.0, discharge_power_min_W=0.0)


NOTHING = PowerLimits(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""No voltage and no current: the default of an order."""


def rated(
    voltage_max_V: float,
    current_max_A: float,
    *,
    voltage_min_V: float = 0.0,
    charge_power_max_W: float = math.inf,
    discharge_power_max_W: float = math.inf,
) -> PowerLimits:
    """The limits of a thing with one current rating for both directions."""
    return PowerLimits(
        voltage_min_V, voltage_max_V, current_max_A, current_max_A, charge_power_max_W, discharge_power_max_W
    )
