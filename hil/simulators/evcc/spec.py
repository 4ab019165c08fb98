"""What the simulated car is and wants: ratings, energy, preferences, patience. Changeable while it runs.

What a session does with it (services, pauses, renegotiations, misbehaviour) is a `CarPlan`.
"""

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
    maximum_soc_percent: float = 100.0
    departure_s: int = 8 * 3600
    bidirectional: bool = True
    """Prefer the BPT variant of each service."""
    control_mode: str = "dynamic"
    """`dynamic` or `scheduled`; the first parameter set with it is taken, else the first at all."""
    scheduled_power_W: float = 11_000.0
    """In Scheduled mode: the power the car asks for, signed, cut to the limits of the last response."""
    charger_power_max_W: float = 11_000.0
    """On-board charger, sum of its phases."""
    charger_power_min_W: float = 1_380.0
    charger_discharge_max_W: float = 7_000.0
    charger_phases: int = 3
    charger_asymmetric: bool = False
    """The on-board charger gives limits per phase (`_L2`, `_L3`)."""
    loop_period_s: float = 0.1
    """From one charge-loop request to the next; an answer that comes later than that delays the next request."""
    ongoing_pause_s: float = 0.05
    """After an answer of DC_CableCheck or DC_PreCharge that is not the last, before the next request."""
    message_timeout_s: float = 2.0
    loop_timeout_s: float = 0.5
    ongoing_timeout_s: float = 60.0
    cable_check_timeout_s: float = 40.0
    pre_charge_timeout_s: float = 10.0
