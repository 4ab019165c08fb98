"""The station's own contributions: those of hardware, car, connection, driver and default for one EVSE.

Each function returns by owner all contributions of that owner, for `Arbiter.replace(owner, …)`.
"""

from __future__ import annotations

from chargepoint.config.schema import EnergySection
from chargepoint.energy import sources
from chargepoint.model.car import CarDemand
from chargepoint.model.demand import Contribution
from chargepoint.model.image import EvseImage

HARDWARE, CAR, CONNECTION, DRIVER, DEFAULT = "hardware", "car", "connection", "driver", "default"
"""The names of the station's own owners. No owner from outside may use one of them."""

OWN_NAMES = frozenset({HARDWARE, CAR, CONNECTION, DRIVER, DEFAULT})


def by_image(config: EnergySection, image: EvseImage, sharers: int, now_s: float) -> dict[str, list[Contribution]]:
    """The contributions that a new process image renews. `sharers`: EVSEs at work on the site's connection."""
    until_s = now_s + sources.IMAGE_LIFE_S
    hardware = sources.of_hardware(image)
    default_W = config.default_power_W
    if default_W is None:
        default_W = 0.0 if image.capabilities is None else image.capabilities.charge_power_max_W
    return {
        HARDWARE: [] if hardware is None else [hardware],
        CONNECTION: [
            sources.of_connection(image.evse_id, config.site_import_max_W, config.site_export_max_W, sharers, until_s)
        ],
        DEFAULT: [sources.of_default(image.evse_id, default_W, until_s)],
    }


def by_car(
    config: EnergySection, car: CarDemand | None, image: EvseImage, now_s: float
) -> dict[str, list[Contribution]]:
    """The contributions that follow from the car's last demand."""
    if car is None:
        return {CAR: [], DRIVER: []}
    until_s = now_s + sources.IMAGE_LIFE_S
    reserve = sources.of_driver(image.evse_id, car.energy.soc_percent, reserve_percent(config, car), until_s)
    return {
        CAR: sources.of_car(car, image.voltage_V),
        DRIVER: [] if reserve is None else [reserve],
    }


def reserve_percent(config: EnergySection, car: CarDemand | None) -> float:
    """The state of charge that is kept: what the car says for its driver, else what the configuration says."""
    if car is None or car.energy.minimum_soc_percent is None:
        return config.minimum_soc_percent
    return car.energy.minimum_soc_percent
