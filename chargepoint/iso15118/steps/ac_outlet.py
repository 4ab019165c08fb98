"""What an AC outlet gives to a car that uses some of its phases."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.image import AcSupply, StageCapabilities


def on_phases(can: StageCapabilities, supply: AcSupply, phases: int) -> StageCapabilities:
    """The capabilities of an outlet of which only so many phases transfer."""
    used = replace(supply, phases=phases)
    sum_A, power_W = phases * supply.current_max_A, used.power_max_W
    return replace(
        can,
        charge_current_max_A=min(can.charge_current_max_A, sum_A),
        discharge_current_max_A=min(can.discharge_current_max_A, sum_A),
        charge_power_max_W=min(can.charge_power_max_W, power_W),
        discharge_power_max_W=min(can.discharge_power_max_W, power_W),
        ac=used,
    )


def current_per_phase_A(power_W: float, supply: AcSupply) -> float:
    """The RMS current in each phase of the supply that makes this power, in A: at least 0, at most the outlet's.

    Cut to tenths of an ampere, so that the power is never exceeded.
    """
    wanted_A = power_W / supply.phases / supply.nominal_voltage_V
    tenths = int(min(max(wanted_A, 0.0), supply.current_max_A) * 10 + _ROUNDING_SLACK)
    return tenths / 10


_ROUNDING_SLACK = 1e-6
"""11 040 W of three phases are 16 A, whatever the floating point makes of the division."""
