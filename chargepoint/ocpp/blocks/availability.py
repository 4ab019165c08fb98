"""G Availability: StatusNotification, which states are still to be reported, ChangeAvailability, Heartbeat."""

from __future__ import annotations

from chargepoint.model.commands import ChangeAvailability
from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged
from chargepoint.ocpp.availability_orders import STATION
from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer, status
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire
from chargepoint.store.rows import SetAvailability

CONNECTOR_ID = 1
"""Every EVSE here has one connector."""


def status_notification(change: ConnectorStatusChanged) -> Payload:
    """StatusNotification."""
    return {
        "timestamp": to_wire(change.at_utc),
        "connectorStatus": change.status.value,
        "evseId": int(change.evse_id),
        "connectorId": change.connector_id,
    }


class StatusBoard:
    """Connector states reported and to be reported: per connector only the latest, and only if it differs (B04)."""

    def __init__(self) -> None:
        self._latest: dict[tuple[EvseId, int], ConnectorStatusChanged] = {}
        self._reported: dict[tuple[EvseId, int], ConnectorStatus] = {}

    def changed(self, change: ConnectorStatusChanged) -> None:
        """A connector has this status now."""
        self._latest[change.evse_id, change.connector_id] = change

    def forget_reported(self) -> None:
        """Report every connector again (B01.FR.05, B04.FR.01)."""
        self._reported.clear()

    def due(self) -> tuple[ConnectorStatusChanged, ...]:
        """What the central system does not know yet (B04.FR.02), in the order of EVSEs."""
        return tuple(
            change for place, change in sorted(self._latest.items()) if self._reported.get(place) is not change.status
        )

    def reported(self, change: ConnectorStatusChanged) -> None:
        """The central system has received this state."""
        self._reported[change.evse_id, change.connector_id] = change.status


def change_availability(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """G03 for an EVSE or its connector, G04 for the station. Kept over restarts (G03.FR.08, G04.FR.09)."""
    operative = request["operationalStatus"] == "Operative"
    evse_id = request.get("evse", {}).get("id")
    if evse_id is not None and context.evse(evse_id) is None:
        return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))
    connector_id = request.get("evse", {}).get("connectorId", CONNECTOR_ID)
    if connector_id != CONNECTOR_ID:
        return CallAnswer(status("Rejected", "UnknownConnectorId", f"EVSE {evse_id} has connector {CONNECTOR_ID} only"))
    evses = [e for e in context.port.evse_states() if evse_id in (None, e.evse_id)]
    level = STATION if evse_id is None else evse_id

    def apply() -> None:
        context.availability.order(level, operative)
        for evse in evses:
            context.port.command(ChangeAvailability(evse.evse_id, context.availability.operative(int(evse.evse_id))))

    running = not operative and any(e.transaction_id is not None for e in evses)  # G03.FR.05, G04.FR.06
    return CallAnswer(status("Scheduled" if running else "Accepted"), (SetAvailability(level, operative),), apply)
