"""What an AC meter's points mean together: phase by phase, and as one voltage, one current and one power.

Pure. A meter gives voltage and current of one or three phases; the power of each phase, or of all together, or both. The current of
a meter is mostly a magnitude: its sign is that of the power. The active current of a phase is its power by its voltage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from chargepoint.model.image import AcReading

PHASES = ("L1", "L2", "L3")
VOLTAGE_MIN_V = 20.0
"""Below this voltage a phase is not there, and a power by its voltage would be noise (own rule)."""


def reading(found: Mapping[str, float | None]) -> tuple[AcReading, float] | None:
    """The phases and the power of all of them (W) from values by meaning; None where one that the profile has is missing."""
    phases = [phase for phase in PHASES if f"voltage_{phase}_V" in found]
    voltages, currents = _all(found, "voltage", "V", phases), _all(found, "current", "A", phases)
    powers = _all(found, "power", "W", phases) if f"power_{phases[0]}_W" in found else ()
    total_W = _total(found, powers)
    if voltages is None or currents is None or powers is None or total_W is None:
        return None
    if not powers:
        active = tuple(math.copysign(current_A, total_W) for current_A in currents)
    else:
        active = tuple(
            power_W / voltage_V if voltage_V >= VOLTAGE_MIN_V else 0.0
            for power_W, voltage_V in zip(powers, voltages, strict=True)
        )
    return AcReading(voltages, active, powers, found.get("frequency_Hz")), total_W


def _all(found: Mapping[str, float | None], what: str, unit: str, phases: list[str]) -> tuple[float, ...] | None:
    values = [found.get(f"{what}_{phase}_{unit}") for phase in phases]
    present = [value for value in values if value is not None]
    return tuple(present) if len(present) == len(values) else None


def _total(found: Mapping[str, float | None], powers: tuple[float, ...] | None) -> float | None:
    if "power_W" in found:
        return found["power_W"]
    if "power_import_W" in found:
        drawn_W, given_W = found["power_import_W"], found["power_export_W"]
        return None if drawn_W is None or given_W is None else drawn_W - given_W
    return sum(powers) if powers else None


def mean_voltage_V(ac: AcReading) -> float:
    """The mean of the phases that are there: a meter of three phases may be wired to one. 0 V where none is there."""
    there = [voltage_V for voltage_V in ac.voltage_V if voltage_V >= VOLTAGE_MIN_V]
    return sum(there) / len(there) if there else 0.0


def inverted(ac: AcReading) -> AcReading:
    """The same phases seen from the other side."""
    return AcReading(
        ac.voltage_V,
        tuple(-amperes for amperes in ac.current_A),
        tuple(-watts for watts in ac.power_W),
        ac.frequency_Hz,
    )
