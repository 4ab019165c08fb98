"""A SecurityBlock: security events. Certificates are issued by other means than OCPP here; their messages are not supported."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Effects, Post, SecurityEventOccurred, Share, SharedEvent
from chargepoint.ocpp.schemas import Payload


class SecurityBlock(FunctionalBlock):
    """Security events are stored until the central system has answered them (A04)."""

    def started(self, now: StationNow) -> Effects:
        """The start itself is a security event."""
        return (Share(SecurityEventOccurred("StartupOfTheDevice")),)

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """SecurityEventNotification."""
        if not isinstance(event, SecurityEventOccurred):
            return ()
        payload: Payload = {"type": event.kind[:50], "timestamp": now.wire}
        if event.text:
            payload["techInfo"] = event.text[:255]
        return (Post("SecurityEventNotification", payload),)
