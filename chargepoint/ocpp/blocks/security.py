"""A04 Security events: stored until the central system has answered them. Kinds: OCPP 2.0.1 appendices, security_events.csv."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    ConnectionFailed,
    Effects,
    InvalidMessageReceived,
    Post,
    SecurityEventOccurred,
    Share,
    SharedEvent,
)
from chargepoint.ocpp.blocks.registration import BOOT_SPACE, REASON
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload

INVALID_MESSAGES_EVERY_S = 60.0
"""Invalid messages are one event in this time, however many come."""
_VALID_KINDS = frozenset({"NotImplemented", "NotSupported", "message type", "SEND", "answer to nothing"})
"""What the station does not take although OCPP has it, and answers that came too late."""


class SecurityBlock(FunctionalBlock):
    """Critical ones and others alike (A04.FR.01, FR.02). Attempts to connect that fail in one way are one event until one succeeds."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self._boot = kept.space(BOOT_SPACE)
        self._failed: set[str] = set()
        self._invalid_again_s = 0.0

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """The next failed attempt is news again."""
        self._failed.clear()
        return ()

    def started(self, now: StationNow) -> Effects:
        """The start itself is a security event; a start that was ordered is one of its own as well."""
        startup = Share(SecurityEventOccurred("StartupOfTheDevice"))
        reason = self._boot.get(REASON)
        if reason is None:
            return (startup,)
        return (startup, Share(SecurityEventOccurred("ResetOrReboot", str(reason))))

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """SecurityEventNotification, or the security event that something else is worth."""
        match event:
            case SecurityEventOccurred(kind, text):
                payload: Payload = {"type": kind[:50], "timestamp": now.wire}
                if text:
                    payload["techInfo"] = text[:255]
                return (Post("SecurityEventNotification", payload),)
            case ConnectionFailed(kind, text):
                if not kind or kind in self._failed:
                    return ()
                self._failed.add(kind)
                return (Share(SecurityEventOccurred(kind, text)),)
            case InvalidMessageReceived(kind, text):
                if kind in _VALID_KINDS or now.monotonic_s < self._invalid_again_s:
                    return ()
                self._invalid_again_s = now.monotonic_s + INVALID_MESSAGES_EVERY_S
                return (Share(SecurityEventOccurred("InvalidMessages", text)),)
            case _:
                return ()
