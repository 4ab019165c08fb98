"""B11, B12 Reset: of the station or of one EVSE, at once or when idle."""

from __future__ import annotations

from chargepoint.model.commands import Reset, ResetKind
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, status
from chargepoint.ocpp.blocks.firmware import FirmwareBlock
from chargepoint.ocpp.blocks.registration import BOOT_SPACE, REASON
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload

_RESUMING = "ImmediateAndResume"


class ResetBlock(FunctionalBlock):
    """The station ends transactions in order first; what it cannot send in time is in the outbox (B12.FR.05)."""

    def __init__(self, kept: Kept, firmware: FirmwareBlock) -> None:
        super().__init__()
        self._firmware = firmware
        self._boot = kept.space(BOOT_SPACE)
        self.calls = {"Reset": self._reset}

    def _reset(self, request: Payload, now: StationNow) -> CallAnswer:
        """The reason of the next boot is on the disk before the station restarts."""
        evse_id = request.get("evseId")
        if request["type"] == _RESUMING:  # B13.FR.01 of OCPP 2.1: there is no TxResumptionTimeout
            return CallAnswer(status("Rejected", "UnsupportedParam", f"type {_RESUMING} is not built"))
        kind = ResetKind(request["type"])
        if evse_id is not None and now.evse(evse_id) is None:
            return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))
        if evse_id is None and self._firmware.installing:  # B11.FR.06, B12.FR.10
            return CallAnswer(
                status("Rejected", "FwUpdateInProgress", "firmware is being installed; it restarts the station")
            )
        evses = [e for e in now.evses if evse_id is None or e.evse_id == evse_id]
        waiting = kind is ResetKind.ON_IDLE and any(e.transaction_id is not None for e in evses)
        reason = "ScheduledReset" if waiting else "RemoteReset"  # TC_B_21, TC_B_23
        return CallAnswer(
            status("Scheduled" if waiting else "Accepted"),  # B12.FR.01, FR.02
            effects=() if evse_id is not None else (self._boot.keep(REASON, reason),),
            order=Reset(kind, None if evse_id is None else EvseId(evse_id)),  # it may refuse
        )
