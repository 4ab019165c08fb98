"""A Security: security events. Certificates are issued by other means than OCPP here; their messages are not supported."""

from __future__ import annotations

from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import call_text
from chargepoint.ocpp.schemas import Payload
from chargepoint.store.rows import OutboxKind, OutboxRow

ACTION = "SecurityEventNotification"


def security_event(kind: str, text: str, message_id: str, now: Moment) -> OutboxRow:
    """SecurityEventNotification, stored until the central system has answered it (A04). `kind` from the appendix's security events, 50 characters."""
    payload: Payload = {"type": kind[:50], "timestamp": now.wire}
    if text:
        payload["techInfo"] = text[:255]
    return OutboxRow(message_id, ACTION, call_text(message_id, ACTION, payload), OutboxKind.OTHER)
