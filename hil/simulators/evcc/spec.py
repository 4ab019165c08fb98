"""What the simulated car is and wants: ratings, energy, preferences, patience. Changeable while it runs."""

from __future__ import annotations

from dataclasses import dataclass

CONTROL_MODES = ("dynamic", "scheduled")


@dataclass(slots=True)
class CarSpec:
    """One car. Powers, currents and energies are magnitudes; positive current flows into the car on the wire."""

    evcc_id: str = "WMIOCP0000000001"
    voltage_max_V: float = 450.0
    voltage_min_V: float = 280.0
    charge_power_max_W: float = 50_000.0
    charge_current_max_A: float = 125.0
    discharge_power_max_W: float = 20_000.0
    discharge_current_max_A: float = 50.0
    capacity_Wh: float = 60_000.0
    minimum_soc_percent: float = 20.0
    target_soc_percent: float = 80.0
    departure_s: int = 8 * 3600
    bidirectional: bool = True
    control_mode: str = "dynamic"
    """`dynamic` or `scheduled`; the first parameter set with it is taken, else the first at all."""
    scheduled_power_W: float = 11_000.0
    """In Scheduled mode: what it asks for, signed, cut to the limits of the last response."""
    loop_period_s: float = 0.1
    message_timeout_s: float = 2.0
    loop_timeout_s: float = 0.5
    ongoing_timeout_s: float = 60.0
    cable_check_timeout_s: float = 40.0
    pre_charge_timeout_s: float = 10.0
