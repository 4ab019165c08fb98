"""What a DC car of ISO 15118-2 or DIN 70121 can take: announced once, and named again in each charge loop.

The car has no minima and no discharge in these protocols. Source: docs/sources/iso15118-2-din.md 1.2 and 7.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits


def announced(voltage_V: float, current_A: float, power_W: float | None) -> PowerLimits:
    """The car's maxima of ChargeParameterDiscovery. A car that names no power can take voltage times current."""
    return PowerLimits(
        voltage_min_V=0.0,
        voltage_max_V=voltage_V,
        charge_current_max_A=current_A,
        discharge_current_max_A=0.0,
        charge_power_max_W=voltage_V * current_A if power_W is None else power_W,
        discharge_power_max_W=0.0,
    )


def nonsense(limits: PowerLimits, can: StageCapabilities) -> str | None:
    """Why no charge is possible with these maxima, in words; None where it is."""
    if limits.charge_current_max_A < 0 or limits.charge_power_max_W < 0:
        return f"its limits are {limits.charge_current_max_A:g} A and {limits.charge_power_max_W:g} W: at least 0"
    if limits.voltage_max_V <= can.voltage_min_V:
        return f"its voltage goes up to {limits.voltage_max_V:g} V, ours begins at {can.voltage_min_V:g} V"
    return None


def renewed(
    before: PowerLimits, voltage_V: float | None, current_A: float | None, power_W: float | None
) -> PowerLimits:
    """The maxima of a charge loop. They may rise and fall with each message; what the car does not repeat is as before.

    A negative current or power lets nothing flow. A voltage that is not above zero means nothing.
    """
    return replace(
        before,
        voltage_max_V=voltage_V if voltage_V is not None and voltage_V > 0 else before.voltage_max_V,
        charge_current_max_A=before.charge_current_max_A if current_A is None else max(0.0, current_A),
        charge_power_max_W=before.charge_power_max_W if power_W is None else max(0.0, power_W),
    )
