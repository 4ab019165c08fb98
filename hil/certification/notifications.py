"""What a message says about the state of a connector. A station reports it by StatusNotification or by NotifyEvent."""

from __future__ import annotations

from hil.certification.frames import StationCall
from hil.certification.patterns import Payload, value_at

Place = tuple[int, int]
"""EVSE and connector."""


def connector_states(call: StationCall) -> list[tuple[Place, str]]:
    """Each connector this message is about, with its state; empty for a message about something else."""
    payload = call.payload
    if not isinstance(payload, dict):
        return []
    if call.action == "StatusNotification":
        place = (payload.get("evseId"), payload.get("connectorId"))
        return [(_place(*place), str(payload.get("connectorStatus")))]
    if call.action == "NotifyEvent":
        return [found for event in payload.get("eventData", []) if (found := _from_event(event)) is not None]
    return []


def _from_event(event: Payload) -> tuple[Place, str] | None:
    if value_at(event, "variable.name") != "AvailabilityState" or value_at(event, "component.name") != "Connector":
        return None
    if event.get("trigger") != "Delta":
        return None
    place = (value_at(event, "component.evse.id"), value_at(event, "component.evse.connectorId"))
    return _place(*place), str(event.get("actualValue"))


def _place(evse_id: object, connector_id: object) -> Place:
    return (
        evse_id if isinstance(evse_id, int) else 0,
        connector_id if isinstance(connector_id, int) else 0,
    )
