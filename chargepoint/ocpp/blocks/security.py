"""A04 Security events: stored until the central system has answered them."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import ConnectionFailed, Effects, Post, SecurityEventOccurred, Share, SharedEvent
from chargepoint.ocpp.schemas import Payload


class SecurityBlock(FunctionalBlock):
    """Critical ones and others alike (A04.FR.01, FR.02). Attempts to connect that fail in one way are one event until one succeeds."""

    def __init__(self) -> None:
        super().__init__()
        self._failed: set[str] = set()

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """The next failed attempt is news again."""
        self._failed.clear()
        return ()

    def started(self, now: StationNow) -> Effects:
        """The start itself is a security event."""
        return (Share(SecurityEventOccurred("StartupOfTheDevice")),)

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """SecurityEventNotification."""
        if isinstance(event, ConnectionFailed):
            if not event.kind or event.kind in self._failed:
                return ()
            self._failed.add(event.kind)
            event = SecurityEventOccurred(event.kind, event.text)
        if not isinstance(event, SecurityEventOccurred):
            return ()
        payload: Payload = {"type": event.kind[:50], "timestamp": now.wire}
        if event.text:
            payload["techInfo"] = event.text[:255]
        return (Post("SecurityEventNotification", payload),)
