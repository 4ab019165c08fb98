"""Phases of an AC session: which of them transfer, what a power field means, and how a power is spread over the phases.

A field without `_L2` and `_L3` is the sum of all phases; with them it is L1 alone (V2G20-1817 to 1819). Source:
docs/sources/iso15118-20.md 1.3 and 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.iso20.services import AcConnector, ParameterChoice
from chargepoint.iso15118.messages.common_types import RationalNumber
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.image import AcSupply

SUFFIXES = ("", "_L2", "_L3")
"""Of a field's name, for L1, L2 and L3."""

PhasePowers = tuple[float, float, float]
"""Powers of L1, L2 and L3 in W."""


@dataclass(frozen=True, slots=True)
class PhaseLimits:
    """Limits of a car that announced each phase on its own (an asymmetric car, V2G20-1821). Magnitudes in W."""

    charge_max_W: PhasePowers
    charge_min_W: PhasePowers
    discharge_max_W: PhasePowers = (0.0, 0.0, 0.0)
    discharge_min_W: PhasePowers = (0.0, 0.0, 0.0)

    @property
    def most_W(self) -> PhasePowers:
        """What each phase may carry at most, in either direction."""
        first, second, third = map(max, self.charge_max_W, self.discharge_max_W)
        return first, second, third


def phases_of(choice: ParameterChoice, supply: AcSupply) -> int:
    """1 or 3: the phases of the chosen parameter set, at most those of the outlet."""
    return min(3 if choice.connector == AcConnector.THREE_PHASE else 1, supply.phases)


def gives_phases(mode: Any, name: str) -> bool:
    """The car sent `_L2` or `_L3` of this field."""
    return any(getattr(mode, name + suffix) is not None for suffix in SUFFIXES[1:])


def powers_of(mode: Any, name: str, phases: int) -> PhasePowers:
    """What the field says of each phase in W, signed; a phase that was not sent has 0, and so have phases not in use."""
    values = (getattr(mode, name + suffix) for suffix in SUFFIXES[:phases])
    first, *others = (0.0 if value is None else number(value) for value in values)
    return (first, *others) if len(others) == 2 else (first, 0.0, 0.0)  # type: ignore[return-value]


def total_W(mode: Any, name: str, phases: int = 3) -> float | None:
    """The sum over the phases in W, signed; None where the field was not sent."""
    return None if getattr(mode, name) is None else sum(powers_of(mode, name, phases))


def fields(name: str, power_W: float, limits: PhaseLimits | None) -> dict[str, RationalNumber]:
    """A power as the field `name`: one sum, or each phase for a car that gave its limits by phase (V2G20-1822)."""
    if limits is None:
        return {name: rational(power_W)}
    return {name + suffix: rational(part_W) for suffix, part_W in zip(SUFFIXES, spread(power_W, limits), strict=True)}


def spread(power_W: float, limits: PhaseLimits) -> PhasePowers:
    """The power over the phases as evenly as the car's own limits allow, with its sign; what no phase takes is left out.

    Less than the least power of all phases together flows through L1 alone: L2 and L3 are then 0.
    """
    charging = power_W >= 0
    most_W = limits.charge_max_W if charging else limits.discharge_max_W
    least_W = limits.charge_min_W if charging else limits.discharge_min_W
    wanted_W = abs(power_W)
    if wanted_W < sum(least_W):
        parts = [min(wanted_W, most_W[0]), 0.0, 0.0]
    else:
        parts, left_W = [0.0, 0.0, 0.0], wanted_W
        for count, phase in enumerate(sorted(range(3), key=lambda phase: most_W[phase])):
            parts[phase] = min(most_W[phase], left_W / (3 - count))
            left_W -= parts[phase]
    signed = parts if charging else [-part_W for part_W in parts]
    return signed[0], signed[1], signed[2]
