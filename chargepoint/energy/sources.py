"""Contributions made from what the station itself knows: hardware, car, connection, the driver's reserve, the default."""

from __future__ import annotations

import math

from chargepoint.energy.connection import ConnectionShare
from chargepoint.model.car import CarDemand, ControlMode
from chargepoint.model.commands import DriverWish
from chargepoint.model.demand import Contribution, Phase, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage
from chargepoint.model.limits import ZERO, Interval, bidirectional, charge_only

IMAGE_LIFE_S = 0.5
"""A process image is good for one lease, in seconds."""

INLET_HOT_SHARE = 0.5
"""While the car reports InletHot, this share of its limits holds. A rule of the project: the standard gives no figure."""

CAR_PATIENCE_S = 60.0
"""Outside the charge loop a car may take this long between two messages (V2G_SECC_Sequence_Timeout)."""


def of_hardware(image: EvseImage) -> Contribution | None:
    """What the stage can do now; None until its module identified itself."""
    c = image.capabilities
    if c is None:
        return None
    return Contribution(
        source=Source.HARDWARE,
        evse_id=image.evse_id,
        valid_until_s=image.taken_at_s + IMAGE_LIFE_S,
        reason="rating",
        limits_W=bidirectional(c.charge_power_max_W, c.discharge_power_max_W),
    )


LAST_ENERGY_S = 10.0
"""The last energy that a car wants is given over this time: a car that is exactly full would else get all power and none by turns (own rule)."""


def of_car(car: CarDemand, voltage_V: float | None) -> list[Contribution]:
    """The car's limits, its V2X window, and in Scheduled mode what it asks for. Discharge only over a BPT service.

    An AC car in Scheduled mode names no current: it asks for what its power profile plans, or for all it can take without one.
    A car silent for longer than its demand is good for gets no power in the transfer (`CarDemand.good_for_s`).
    Source: docs/sources/safety.md 3 and 4.1 (signs, and the meaning of the V2X energy requests).
    """
    limits = car.limits
    discharge_W = limits.discharge_power_max_W if car.service.bidirectional else 0.0
    life_s = car.good_for_s if car.phase is Phase.TRANSFER else CAR_PATIENCE_S
    until_s = car.at_s + life_s

    def made(key: str, reason: str, interval: Interval | None, target_W: float | None = None) -> Contribution:
        return Contribution(Source.CAR, car.evse_id, until_s, reason, interval, target_W, key)

    if car.standby:
        return [made("limits", "it is in standby", ZERO)]
    contributions = [made("limits", "its own limits", bidirectional(limits.charge_power_max_W, discharge_W))]
    if car.display.inlet_hot:
        share = bidirectional(limits.charge_power_max_W, discharge_W).scaled(INLET_HOT_SHARE)
        contributions.append(made("inlet", "its inlet is hot", share))
    energy = car.energy
    if energy.min_v2x_Wh is not None and energy.min_v2x_Wh > 0:
        contributions.append(made("v2x", "below its V2X window", charge_only(limits.charge_power_max_W)))
    if energy.max_v2x_Wh is not None and energy.max_v2x_Wh < 0:
        contributions.append(made("v2x", "above its V2X window", Interval(-discharge_W, 0.0)))
    if energy.max_Wh is not None and energy.max_Wh <= 0:
        contributions.append(made("full", "no more energy wanted", Interval(-discharge_W, 0.0)))
    elif energy.max_Wh is not None and (last_W := energy.max_Wh * 3600.0 / LAST_ENERGY_S) < limits.charge_power_max_W:
        contributions.append(made("full", "almost no more energy wanted", Interval(-discharge_W, last_W)))
    if car.control_mode is ControlMode.SCHEDULED and car.service.is_ac:
        planned_W = car.planned_power_W
        reason = "what it can take" if planned_W is None else "its power profile"
        contributions.append(
            made("target", reason, None, limits.charge_power_max_W if planned_W is None else planned_W)
        )
    elif car.control_mode is ControlMode.SCHEDULED:
        asked_W = (car.target_current_A or 0.0) * (voltage_V or 0.0)
        contributions.append(made("target", "its target current", None, asked_W))
    return contributions


def of_driver(
    evse_id: EvseId, soc_percent: float | None, minimum_soc_percent: float, until_s: float
) -> Contribution | None:
    """No discharge at or below the driver's state of charge.

    The rule for a car that does not report its state of charge, as AC cars may: the station sets no bound for it. The car's own
    V2X window and limits hold, and only a car that chose a bidirectional service is discharged.
    """
    if soc_percent is None or soc_percent > minimum_soc_percent:
        return None
    return Contribution(
        source=Source.DRIVER,
        evse_id=evse_id,
        valid_until_s=until_s,
        reason=f"state of charge {soc_percent:.0f} % is not above the reserve of {minimum_soc_percent:.0f} %",
        limits_W=Interval(0.0, 1e9),
    )


DEPARTURE_MARGIN = 1.15
"""Charging for a departure begins this much earlier than full power needs: cars take less near the end (own rule)."""


def of_departure(car: CarDemand, wish: DriverWish, now_s: float, until_s: float) -> Contribution | None:
    """Full power as soon as the target's energy would else not be in the car at its departure; None while there is time.

    The energy comes from the car's capacity and states of charge; a car that does not report both is left to the other parties.
    """
    soc_percent, capacity_Wh, target = car.energy.soc_percent, car.display.capacity_Wh, wish.target_soc_percent
    power_W = car.limits.charge_power_max_W
    if wish.departure_at_s is None or target is None or soc_percent is None or capacity_Wh is None or power_W <= 0.0:
        return None
    missing_Wh = (target - soc_percent) / 100 * capacity_Wh
    needed_s = missing_Wh / power_W * 3600 * DEPARTURE_MARGIN
    left_s = wish.departure_at_s - now_s
    if missing_Wh <= 0.0 or left_s <= 0.0 or needed_s < left_s:
        return None
    reason = f"{target:.0f} % at departure in {left_s / 60:.0f} min"
    return Contribution(Source.DRIVER, car.evse_id, until_s, reason, target_W=power_W, key="departure")


def of_connection(evse_id: EvseId, share: ConnectionShare, until_s: float) -> list[Contribution]:
    """What this EVSE may take from the site's connection and give to it; each direction with the reason of its bound."""
    return [
        Contribution(
            Source.SITE, evse_id, until_s, share.import_reason, Interval(-math.inf, share.import_max_W), key="import"
        ),
        Contribution(
            Source.SITE, evse_id, until_s, share.export_reason, Interval(-share.export_max_W, math.inf), key="export"
        ),
    ]


def of_default(evse_id: EvseId, power_W: float, until_s: float) -> Contribution:
    """The power that flows when no other source has a target."""
    return Contribution(Source.DEFAULT, evse_id, until_s, "nobody else asks", target_W=power_W)
