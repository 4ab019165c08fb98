"""What a car needs, and what it plans: as the central system is notified of it. Units in names; powers signed, positive into the car."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.car import CarEnergy, ControlMode, EnergyService
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import PowerLimits


@dataclass(frozen=True, slots=True)
class ChargingNeeds:
    """A car's needs. `points`: so many pieces its schedule may have; None: it follows set-points and wants no schedule.

    `phases`: of an AC outlet, those that the car uses. `capacity_Wh` None: the car did not say.
    """

    evse_id: EvseId
    service: EnergyService
    control_mode: ControlMode
    limits: PowerLimits
    energy: CarEnergy
    points: int | None = None
    phases: int = 3
    capacity_Wh: float | None = None
    maximum_soc_percent: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedPower:
    """What a car plans to do from `anchor_utc_s` on: (duration_s, power_W) one after the other.

    `schedule_id`: of the offered schedule it follows. `by_car` False: the car named no profile of its own.
    """

    evse_id: EvseId
    schedule_id: int
    anchor_utc_s: int
    pieces: tuple[tuple[float, float], ...]
    by_car: bool
