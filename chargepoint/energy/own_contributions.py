"""The station's own contributions: those of hardware, car, connection, driver and default for one EVSE.

Each function returns by owner all contributions of that owner, for `Arbiter.replace(owner, …)`.
"""

from __future__ import annotations

from chargepoint.config.schema import EnergySection
from chargepoint.energy import sources
from chargepoint.energy.connection import ConnectionShare
from chargepoint.model.car import CarDemand
from chargepoint.model.commands import DriverWish
from chargepoint.model.demand import Contribution
from chargepoint.model.image import EvseImage

HARDWARE, CAR, CONNECTION, DRIVER, DEFAULT = "hardware", "car", "connection", "driver", "default"
"""The names of the station's own owners. No owner from outside may use one of them."""

ByOwner = dict[str, list[Contribution]]
"""Contributions by the name of their owner."""

OWN_NAMES = frozenset({HARDWARE, CAR, CONNECTION, DRIVER, DEFAULT})


def by_image(config: EnergySection, image: EvseImage, share: ConnectionShare, now_s: float) -> ByOwner:
    """The contributions that a new process image renews. `share`: this EVSE's part of the site's connection."""
    until_s = now_s + sources.IMAGE_LIFE_S
    hardware = sources.of_hardware(image)
    default_W = config.default_power_W
    if default_W is None:
        default_W = 0.0 if image.capabilities is None else image.capabilities.charge_power_max_W
    return {
        HARDWARE: [] if hardware is None else [hardware],
        CONNECTION: sources.of_connection(image.evse_id, share, until_s),
        DEFAULT: [sources.of_default(image.evse_id, default_W, until_s)],
    }


def by_car(
    config: EnergySection, car: CarDemand | None, wish: DriverWish | None, image: EvseImage, now_s: float
) -> ByOwner:
    """The contributions that follow from the car's last demand, and from the wish of an outside party for its driver."""
    if car is None:
        return {CAR: [], DRIVER: []}
    until_s = now_s + sources.IMAGE_LIFE_S
    reserve = sources.of_driver(image.evse_id, car.energy.soc_percent, reserve_percent(config, car, wish), until_s)
    departure = None if wish is None else sources.of_departure(car, wish, now_s, until_s)
    return {
        CAR: sources.of_car(car, image.voltage_V),
        DRIVER: [said for said in (reserve, departure) if said is not None],
    }


def reserve_percent(config: EnergySection, car: CarDemand | None, wish: DriverWish | None = None) -> float:
    """The state of charge that is kept: what the car says for its driver, and what an outside party wishes, whichever is more.

    Where neither says anything, what the configuration says.
    """
    said = [
        percent
        for percent in (
            None if car is None else car.energy.minimum_soc_percent,
            None if wish is None else wish.minimum_soc_percent,
        )
        if percent is not None
    ]
    return max(said, default=config.minimum_soc_percent)
