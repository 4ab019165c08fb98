"""Numbers of the wire: RationalNumber (Value times ten to the Exponent) to and from floats in SI units, percent, seconds.

Source: ISO 15118-20 common types (Exponent xs:byte, Value xs:short), docs/sources/iso15118.md 8.
"""

from __future__ import annotations

import math

from chargepoint.iso15118.messages.common_types import RationalNumber

_VALUE_MAX = 32767
_EXPONENT_MIN = -3
"""Millivolts, milliamperes, milliwatts are fine enough; a reader should not meet 10^-9."""
_LARGEST = _VALUE_MAX * 10.0**127
_SECONDS_MAX = (1 << 32) - 1


def rational(value: float) -> RationalNumber:
    """The nearest RationalNumber: four to five significant digits, at least a thousandth; beyond the range, its end.

    Finite numbers only.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no RationalNumber: a finite number")
    value = max(-_LARGEST, min(value, _LARGEST))
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


def percent(value: float) -> int:
    """percentValueType: 0 to 100."""
    return round(min(max(value, 0.0), 100.0))


def seconds(value: float) -> int:
    """A time from now as xs:unsignedInt. A time in the past becomes 0; a time beyond the type becomes its greatest value."""
    return int(min(max(value, 0.0), float(_SECONDS_MAX)))
