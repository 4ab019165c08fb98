"""Everything the station itself has to say about one EVSE, renewed with each process image."""

from __future__ import annotations

from collections.abc import Iterator

from chargepoint.config.schema import EnergySection
from chargepoint.energy import sources
from chargepoint.model.car import CarDemand
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.image import EvseImage


def said(
    config: EnergySection, image: EvseImage, car: CarDemand | None, sharers: int, now_s: float
) -> Iterator[tuple[Source, list[Contribution]]]:
    """Each source of the station with all it says now; `sharers`: EVSEs that are at work on the site's connection."""
    evse_id, until_s = image.evse_id, now_s + sources.IMAGE_LIFE_S
    yield Source.HARDWARE, _listed(sources.of_hardware(image))
    yield Source.CAR, [] if car is None else sources.of_car(car, image.voltage_V, sources.CAR_SILENCE_S)
    yield Source.SITE, [sources.of_site(evse_id, config.site_import_max_W, config.site_export_max_W, sharers, until_s)]
    yield Source.DRIVER, _listed(_of_driver(config, car, image, until_s))
    default_W = config.default_power_W
    if default_W is None:
        default_W = 0.0 if image.capabilities is None else image.capabilities.charge_power_max_W
    yield Source.DEFAULT, [sources.of_default(evse_id, default_W, until_s)]


def _of_driver(config: EnergySection, car: CarDemand | None, image: EvseImage, until_s: float) -> Contribution | None:
    if car is None:
        return None
    reserve_percent = car.energy.minimum_soc_percent
    if reserve_percent is None:
        reserve_percent = config.minimum_soc_percent
    return sources.of_driver(image.evse_id, car.energy.soc_percent, reserve_percent, until_s)


def _listed(one: Contribution | None) -> list[Contribution]:
    return [] if one is None else [one]
