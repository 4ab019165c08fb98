"""What the station is and measures now, as variables: firmware, clock, present power."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.device_model import Variable


class IdentityBlock(FunctionalBlock):
    """Values that belong to no functional block."""

    def __init__(self, firmware_version: str) -> None:
        super().__init__()
        self._firmware_version = firmware_version

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """ChargingStation/FirmwareVersion, ClockCtrlr/DateTime, EVSE/Power."""
        match row.component, row.name:
            case "ChargingStation", "FirmwareVersion":
                return self._firmware_version[:50]
            case "ClockCtrlr", "DateTime":
                return now.wire
            case "EVSE", "Power":
                evse = None if row.evse_id is None else now.evse(row.evse_id)
                return None if evse is None or evse.power_W is None else f"{evse.power_W:.1f}"
            case _:
                return None
