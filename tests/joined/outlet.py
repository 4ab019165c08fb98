"""The two kinds of outlet of the joined station: configuration, services, and the stand-in for the power process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chargepoint.config.schema import EvseSection
from chargepoint.model.car import EnergyService
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from tests.joined import ac_stage, stage
from tests.joined.ac_stage import ObedientAcStage
from tests.joined.stage import ObedientStage


@dataclass(frozen=True, slots=True)
class Outlet:
    """`energy`: what a car that comes here plans, one of `ENERGY_KINDS` of the car's plan."""

    energy: str
    services: tuple[EnergyService, ...]
    section: EvseSection
    capabilities: StageCapabilities
    new_stage: Callable[[EvseId], ObedientStage]


DC_OUTLET = Outlet(
    energy="DC",
    services=(EnergyService.DC_BPT, EnergyService.DC),
    section=EvseSection(pilot="p", power_modules=("m",), meter="e", insulation="i", discharge_power_max_W=12_000.0),
    capabilities=stage.CAPABILITIES,
    new_stage=ObedientStage,
)
AC_OUTLET = Outlet(
    energy="AC",
    services=(EnergyService.AC_BPT, EnergyService.AC),
    section=EvseSection(outlet="ac", interface="lo", connector_type="cType2", discharge_power_max_W=11_000.0),
    capabilities=ac_stage.CAPABILITIES,
    new_stage=ObedientAcStage,
)
OUTLETS = {outlet.energy: outlet for outlet in (DC_OUTLET, AC_OUTLET)}
"""By the word of `ENERGY_KINDS`."""
