"""B09 Network profiles: the connection is configured at the station."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, status
from chargepoint.ocpp.schemas import Payload


class NetworkProfilesBlock(FunctionalBlock):
    """Every slot is refused (B09.FR.02)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = {"SetNetworkProfile": self._set}

    def _set(self, request: Payload, now: StationNow) -> CallAnswer:
        return CallAnswer(
            status("Rejected", "UnsupportedRequest", "the connection is set in the station's configuration file")
        )
