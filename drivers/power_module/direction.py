"""What a module shall do now, from the order it was given: signed current to one voltage and two magnitudes, through zero.

Pure. This is the module's guard: whoever orders, it is never asked for the other direction before its current was small for its
reversal time. When an EVSE turns is decided elsewhere, in `chargepoint/power/ramp.py`: the ramp leads the current to zero, waits at zero, and goes
on from there at its slope. The guard counts the quiet time while zero is ordered too. So it adds nothing to the ramp's own wait. It is needed for orders
that no ramp made: each module of several (`array.py`), a module that joins or leaves a stack, and bring-up.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.ports import PowerModuleCommand

SMALL_A = 1.0


@dataclass(slots=True)
class Direction:
    """Which way current may be asked for now: +1, -1, or 0 before the first."""

    sign: int = 0
    small_since_s: float | None = None

    def turn(
        self, wanted_A: float, measured_A: float | None, measured_at_s: float, reversal_time_s: float | None
    ) -> None:
        """Take a new measurement; turn round if `wanted_A` asks for it and it has been quiet long enough (None: at once)."""
        wanted = (wanted_A > 0) - (wanted_A < 0)
        if self.sign == 0 or (wanted != 0 and reversal_time_s is None):
            self.sign, self.small_since_s = wanted, None
            return
        if wanted == self.sign or reversal_time_s is None or measured_A is None or abs(measured_A) > SMALL_A:
            self.small_since_s = None
        elif self.small_since_s is None:
            self.small_since_s = measured_at_s
        elif wanted != 0 and measured_at_s - self.small_since_s >= reversal_time_s:
            self.sign, self.small_since_s = wanted, None

    def arguments(self, command: PowerModuleCommand) -> dict[str, float]:
        """The profile's arguments for this order: nothing but zero while the direction does not fit."""
        allowed_A = command.current_A if command.current_A * self.sign > 0 else 0.0
        discharging = self.sign < 0
        return {
            "voltage_V": command.voltage_min_V if discharging else command.voltage_max_V,
            "charge_current_A": max(0.0, allowed_A),
            "discharge_current_A": max(0.0, -allowed_A),
            "current_A": allowed_A,
            "voltage_max_V": command.voltage_max_V,
            "voltage_min_V": command.voltage_min_V,
            "discharging": float(discharging),
        }
