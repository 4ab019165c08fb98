"""The grid as a meter at the station's connection shows it: frequency and phase voltages, with their age. Pure."""

from __future__ import annotations

from chargepoint.model.image import AcReading, MeterRegisters
from chargepoint.power.grid_frequency import GridFrequency

VOLTAGE_MAX_AGE_S = 2.0
"""As the registers of a meter: what is older does not count."""


class GridWatch:
    """Call `note` each cycle with what the meter last showed."""

    def __init__(self) -> None:
        self._frequency = GridFrequency()
        self._reading: AcReading | None = None
        self._taken_at_s = 0.0

    def note(self, registers: MeterRegisters | None) -> None:
        """The meter's last reading; None, or one of a DC meter: nothing."""
        if registers is None or registers.ac is None:
            return
        self._reading, self._taken_at_s = registers.ac, registers.taken_at_s
        self._frequency.note(registers.ac.frequency_Hz, registers.taken_at_s)

    def frequency_Hz(self, now_s: float) -> float | None:
        """The frequency that counts now; None: not known."""
        return self._frequency.at(now_s)

    def phase_voltages_V(self, now_s: float) -> tuple[float, ...]:
        """RMS, phase to neutral; empty: not known."""
        if self._reading is None or now_s - self._taken_at_s > VOLTAGE_MAX_AGE_S:
            return ()
        return self._reading.voltage_V
