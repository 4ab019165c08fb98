"""What this outlet offers over ISO 15118-2: payment options, the charge service and its energy transfer modes.

No value-added service is offered. Source: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeService,
    EnergyTransferMode,
    PaymentOption,
    ServiceCategory,
    SupportedEnergyTransferMode,
)

CHARGE_SERVICE_ID = 1
"""ServiceID of charging, by the service table of the standard."""

PAYMENT_OPTIONS = (PaymentOption.ExternalPayment,)
"""The preferred option first."""


def energy_transfer_modes(settings: SeccSettings) -> tuple[EnergyTransferMode, ...]:
    """The preferred mode first. A DC outlet has a combined connector (extended); cars that name its contacts alone (core) fit, too."""
    if not settings.is_ac:
        return (EnergyTransferMode.DC_extended, EnergyTransferMode.DC_core)
    if settings.phases == 3:
        return (EnergyTransferMode.AC_three_phase_core, EnergyTransferMode.AC_single_phase_core)
    return (EnergyTransferMode.AC_single_phase_core,)


def charge_service(settings: SeccSettings) -> ChargeService:
    """As it goes into ServiceDiscoveryRes. What the energy costs is a matter of card and contract: the service is not free."""
    return ChargeService(
        ServiceID=CHARGE_SERVICE_ID,
        ServiceCategory=ServiceCategory.EVCharging,
        FreeService=False,
        SupportedEnergyTransferMode=SupportedEnergyTransferMode(EnergyTransferMode=energy_transfer_modes(settings)),
    )
