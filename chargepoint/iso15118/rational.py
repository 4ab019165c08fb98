"""RationalNumber: the wire's Value times ten to the Exponent, to and from floats in SI units.

Source: ISO 15118-20 common types (Exponent xs:byte, Value xs:short), facts/iso15118.md 8.
"""

from __future__ import annotations

import math

from chargepoint.iso15118.messages.common_types import RationalNumber

_VALUE_MAX = 32767
_EXPONENT_MIN = -3
"""Millivolts, milliamperes, milliwatts are fine enough; a reader should not meet 10^-9."""


def rational(value: float) -> RationalNumber:
    """The nearest RationalNumber: four to five significant digits, at least a thousandth. Finite numbers only."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no RationalNumber: a finite number")
    exponent = _EXPONENT_MIN
    while abs(round(value / 10.0**exponent)) > _VALUE_MAX:
        exponent += 1
    scaled = round(value / 10.0**exponent)
    while exponent < 0 and scaled % 10 == 0:
        scaled, exponent = scaled // 10, exponent + 1
    return RationalNumber(Exponent=exponent, Value=scaled)


def number(value: RationalNumber) -> float:
    """The float it stands for; always finite (|Value| <= 32768, Exponent <= 127)."""
    if value.Exponent >= 0:
        return float(value.Value) * 10.0**value.Exponent
    return float(value.Value) / 10.0**-value.Exponent


def maybe(value: RationalNumber | None) -> float | None:
    """As `number`; what was not sent stays None."""
    return None if value is None else number(value)
