"""PhysicalValue of DIN 70121 with its unit. Numbers: `physical_value.py`."""

from __future__ import annotations

from chargepoint.iso15118.messages.din70121 import PhysicalValue, UnitSymbol
from chargepoint.iso15118.physical_value import number, scaled

_SECONDS = {UnitSymbol.h: 3600.0, UnitSymbol.m: 60.0, UnitSymbol.s: 1.0}


def amperes(value: float) -> PhysicalValue:
    """A current; raises ValueError for a number that is not finite."""
    return _in_unit(value, UnitSymbol.A)


def volts(value: float) -> PhysicalValue:
    """A voltage; raises ValueError for a number that is not finite."""
    return _in_unit(value, UnitSymbol.V)


def watts(value: float) -> PhysicalValue:
    """A power; raises ValueError for a number that is not finite."""
    return _in_unit(value, UnitSymbol.W)


def measured_volts(value: float | None) -> PhysicalValue:
    """A measured voltage is sent as measured: a car that closed its contactors decides by it. Not known: 0, with a FAILED code."""
    return volts(0.0 if value is None else value)


def seconds(value: PhysicalValue | None) -> float | None:
    """A time of the car; the unit is optional, and then it is seconds. None where the car did not say."""
    return None if value is None else number(value) * _SECONDS.get(value.Unit or UnitSymbol.s, 1.0)


def _in_unit(value: float, unit: UnitSymbol) -> PhysicalValue:
    multiplier, found = scaled(value)
    return PhysicalValue(Multiplier=multiplier, Unit=unit, Value=found)
