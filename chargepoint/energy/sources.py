"""Contributions made from what the station itself knows: hardware, car, connection, the driver's reserve, the default."""

from __future__ import annotations

from chargepoint.model.car import CarDemand, ControlMode
from chargepoint.model.commands import ExternalLimit
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


def of_connection(
    evse_id: EvseId, import_max_W: float, export_max_W: float, sharers: int, until_s: float
) -> Contribution:
    """An equal share of the site's connection for each EVSE that is at work."""
    share = 1.0 / max(1, sharers)
    return Contribution(
        source=Source.SITE,
        evse_id=evse_id,
        valid_until_s=until_s,
        reason="connection" if sharers <= 1 else f"connection shared by {sharers}",
        limits_W=bidirectional(import_max_W, export_max_W).scaled(share),
    )


def of_outside_party(limit: ExternalLimit, evse_id: EvseId, sharers: int) -> Contribution:
    """An equal share of an outside party's limit for each EVSE that is at work."""
    return Contribution(
        source=Source.SITE,
        evse_id=evse_id,
        valid_until_s=limit.until_s,
        reason=f"limit of {limit.source.value}" + (f" shared by {sharers}" if sharers > 1 else ""),
        limits_W=bidirectional(limit.import_max_W, limit.export_max_W).scaled(1.0 / max(1, sharers)),
        key="external",
    )


def of_default(evse_id: EvseId, power_W: float, until_s: float) -> Contribution:
    """The power that flows when no other source has a target."""
    return Contribution(Source.DEFAULT, evse_id, until_s, "nobody else asks", target_W=power_W)
