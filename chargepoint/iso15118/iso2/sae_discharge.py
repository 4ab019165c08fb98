"""Discharge services of SAE J2847/2 over ISO 15118-2. Outside that standard, off by default: `[iso15118] sae_j2847_on_iso2`.

Known is what one other station does; no car that speaks them was found. So power flows out of a car only while its own target current
is negative. Source: docs/sources/iso15118-2-din.md 6. All of it is unverified against a car.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

from chargepoint.iso15118.conversation.row import Refusal
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.messages.iso15118_2 import DC_EVChargeParameter, ResponseCode, Service, ServiceCategory
from chargepoint.iso15118.physical_value import maybe, number
from chargepoint.iso15118.steps import dc_limits
from chargepoint.iso15118.steps.dc_report import DcReport
from chargepoint.model.car import CarDemand, ControlMode, EnergyService
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits


class SaeService(IntEnum):
    """By ServiceID. V2H: the car only gives power. V2G: power flows both ways."""

    V2H = 28472
    V2G = 28473

    @property
    def title(self) -> str:
        """ServiceName on the wire."""
        return f"SAE J2847/2 {self.name}"


def offered_sae(settings: SeccSettings) -> tuple[SaeService, ...]:
    """What the configuration switches on, at a DC outlet that discharges."""
    if EnergyService.DC_BPT not in settings.services:
        return ()
    return tuple(SaeService[name] for name in settings.sae_services)


def listed(service: SaeService) -> Service:
    """As it goes into ServiceDiscoveryRes."""
    return Service(
        ServiceID=int(service),
        ServiceName=service.title,
        ServiceCategory=ServiceCategory.OtherCustom,
        FreeService=True,
    )


# -- limits of the car -------------------------------------------------------------------------------------------------


def announced_to_sae(service: SaeService, said: DC_EVChargeParameter) -> PowerLimits | Refusal:
    """V2H: maxima of current and power below zero, and BulkSOC as the floor; FAILED_WrongEnergyTransferMode without them.

    V2G: the maxima of a car that charges. They hold for both directions until the car names others.
    """
    voltage_V, current_A = number(said.EVMaximumVoltageLimit), number(said.EVMaximumCurrentLimit)
    power_W = maybe(said.EVMaximumPowerLimit)
    if service is SaeService.V2G:
        charging = dc_limits.announced(voltage_V, current_A, power_W)
        return replace(
            charging,
            discharge_current_max_A=charging.charge_current_max_A,
            discharge_power_max_W=charging.charge_power_max_W,
        )
    if said.BulkSOC is None or current_A >= 0 or power_W is None or power_W >= 0:
        why = f"{service.title} needs BulkSOC and limits below zero"
        return Refusal(ResponseCode.FAILED_WrongEnergyTransferMode, why)
    charging = dc_limits.announced(voltage_V, 0.0, 0.0)
    return replace(charging, discharge_current_max_A=-current_A, discharge_power_max_W=-power_W)


def renewed_in_sae(
    service: SaeService, before: PowerLimits, voltage_V: float | None, current_A: float | None, power_W: float | None
) -> PowerLimits:
    """The maxima of a charge loop: a negative one is that of discharging, a positive one that of charging. V2H never charges."""
    may_charge = service is SaeService.V2G
    found = dc_limits.renewed(before, voltage_V, None, None)
    if current_A is not None and current_A < 0:
        found = replace(found, discharge_current_max_A=-current_A)
    elif current_A is not None and may_charge:
        found = replace(found, charge_current_max_A=current_A)
    if power_W is not None and power_W < 0:
        found = replace(found, discharge_power_max_W=-power_W)
    elif power_W is not None and may_charge:
        found = replace(found, charge_power_max_W=power_W)
    return found


def with_sae(demand: CarDemand) -> CarDemand:
    """The demand of such a car: it may give power back, and current flows only in the direction of its own target, and at most that."""
    limits, asked_A = demand.limits, demand.target_current_A or 0.0
    return replace(
        demand,
        service=EnergyService.DC_BPT,
        control_mode=ControlMode.DYNAMIC,
        limits=replace(
            limits,
            charge_current_max_A=min(limits.charge_current_max_A, max(0.0, asked_A)),
            discharge_current_max_A=min(limits.discharge_current_max_A, max(0.0, -asked_A)),
        ),
        target_current_A=None,
    )


# -- limits of the station ---------------------------------------------------------------------------------------------


def station_maxima(service: SaeService | None, can: StageCapabilities) -> tuple[float, float]:
    """Current in A and power in W of ChargeParameterDiscoveryRes: below zero for V2H."""
    if service is SaeService.V2H:
        return -can.discharge_current_max_A, -can.discharge_power_max_W
    return can.charge_current_max_A, can.charge_power_max_W


def loop_maxima(service: SaeService | None, report: DcReport, at: Situation) -> tuple[float, float]:
    """Current in A and power in W of CurrentDemandRes. V2G: below zero while the station wants power out of the car."""
    wants_out = service is SaeService.V2G and at.view.setpoint_W < 0
    if wants_out or service is SaeService.V2H:
        return -report.can.discharge_current_max_A, -report.discharge_power_max_W
    return report.can.charge_current_max_A, report.charge_power_max_W


def is_empty(service: SaeService | None, soc_percent: float | None, floor_percent: float | None) -> bool:
    """V2H: the car is at its floor, or does not say how full it is: the station ends the session."""
    if service is not SaeService.V2H:
        return False
    return soc_percent is None or floor_percent is None or soc_percent <= floor_percent
