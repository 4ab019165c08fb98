"""The window of voltage and frequency in which this charger stays connected to the grid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GridWindow:
    """RMS volts from phase to neutral, hertz. `nominal_V` 0: no AC meter watches the voltage.

    Outside the window power stops. The converter's own trip is faster, and it is what the grid code asks for: this window
    is a second look. Defaults: own rule (grade D), wider than the trips of docs/sources/safety.md 4.2.
    """

    nominal_V: float = 0.0
    voltage_low_V: float = 0.0
    voltage_high_V: float = 1e9
    frequency_low_Hz: float = 45.0
    frequency_high_Hz: float = 65.0
    phases: int = 3
    """So many phases are wired, beginning with L1: what a meter shows of others does not count."""
