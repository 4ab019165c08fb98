"""Numbers of ISO 15118-2 and DIN 70121: a PhysicalValue is Value times ten to the Multiplier, in a unit.

Source: docs/sources/iso15118-2-din.md 1.1 (multiplier -3 to 3, value xs:short).
"""

from __future__ import annotations

import math
from typing import Protocol, SupportsInt

VALUE_MAX = 32_767
MULTIPLIER_MIN, MULTIPLIER_MAX = -3, 3
LARGEST = VALUE_MAX * 10.0**MULTIPLIER_MAX


class PhysicalNumber(Protocol):
    """A PhysicalValue of either schema."""

    @property
    def Multiplier(self) -> SupportsInt:
        """Power of ten."""

    @property
    def Value(self) -> SupportsInt:
        """Signed, 16 bits."""


def scaled(value: float) -> tuple[int, int]:
    """Multiplier and Value nearest to this number, with as few zeros behind the point as it needs; beyond the range, its end.

    Raises ValueError for a number that is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no PhysicalValue: a finite number")
    value = max(-LARGEST, min(value, LARGEST))
    multiplier = MULTIPLIER_MIN
    while abs(round(value / 10.0**multiplier)) > VALUE_MAX:
        multiplier += 1
    found = round(value / 10.0**multiplier)
    while multiplier < 0 and found % 10 == 0:
        found, multiplier = found // 10, multiplier + 1
    return multiplier, found


def number(value: PhysicalNumber) -> float:
    """The float it stands for; always finite."""
    multiplier = int(value.Multiplier)
    return int(value.Value) * 10.0**multiplier if multiplier >= 0 else int(value.Value) / 10.0**-multiplier


def maybe(value: PhysicalNumber | None) -> float | None:
    """As `number`; what was not sent stays None."""
    return None if value is None else number(value)
