"""What the station is, as variables: its firmware, and its clock."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.device_model import Variable


class IdentityBlock(FunctionalBlock):
    """Values that belong to no functional block."""

    def __init__(self, firmware_version: str) -> None:
        super().__init__()
        self._firmware_version = firmware_version

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """ChargingStation/FirmwareVersion, ClockCtrlr/DateTime."""
        match row.component, row.name:
            case "ChargingStation", "FirmwareVersion":
                return self._firmware_version[:50]
            case "ClockCtrlr", "DateTime":
                return now.wire
            case _:
                return None
