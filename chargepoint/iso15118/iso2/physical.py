"""Numbers as ISO 15118-2 sends them: a PhysicalValue with its unit."""

from __future__ import annotations

from chargepoint.iso15118.messages.iso15118_2 import PhysicalValue, UnitSymbol
from chargepoint.iso15118.physical_value import scaled


def volts(value: float | None) -> PhysicalValue:
    """A voltage; not known: 0, with a FAILED code."""
    return _physical(value, UnitSymbol.V)


def amperes(value: float | None) -> PhysicalValue:
    """A current; not known: 0, with a FAILED code."""
    return _physical(value, UnitSymbol.A)


def watts(value: float | None) -> PhysicalValue:
    """A power; not known: 0, with a FAILED code."""
    return _physical(value, UnitSymbol.W)


def _physical(value: float | None, unit: UnitSymbol) -> PhysicalValue:
    multiplier, found = scaled(0.0 if value is None else value)
    return PhysicalValue(Multiplier=multiplier, Unit=unit, Value=found)
