"""What this outlet does for a car of DIN 70121 beyond the standard."""

from __future__ import annotations

from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.model.car import EnergyService


def discharges(settings: SeccSettings) -> bool:
    """Outside the standard: this outlet discharges cars that tolerate it. No car hears of it."""
    return settings.din_discharge and EnergyService.DC_BPT in settings.services
