"""The trace: the last messages in a few words, for log, page and diagnostics. No tokens, no values of variables."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime

from chargepoint.ocpp.schemas import Payload
from chargepoint.ports import Clock

TRACE_LINES = 20
_QUIET = frozenset(
    {"Heartbeat", "MeterValues", "NotifyReport", "GetVariables", "GetCompositeSchedule", "ReportChargingProfiles"}
)
"""Actions that would drown a session's story at INFO."""

_WORDS = (
    "status",
    "eventType",
    "triggerReason",
    "seqNo",
    "evseId",
    "connectorStatus",
    "requestedMessage",
    "type",
    "reason",
)


class Trace:
    """`note` logs a line and keeps the last `TRACE_LINES`."""

    def __init__(self, clock: Clock, log: logging.Logger) -> None:
        self._clock = clock
        self._log = log
        self._lines: deque[tuple[datetime, str, str, str]] = deque(maxlen=TRACE_LINES)

    def note(self, direction: str, action: str, text: str) -> None:
        """`direction`: `<` in, `>` out, `!` nothing came."""
        self._lines.append((self._clock.utc(), direction, action, text))
        quiet = action in _QUIET or "eventType Updated" in text or (direction == "<" and not text)
        self._log.log(logging.DEBUG if quiet else logging.INFO, "%s %s %s", direction, action, text)

    def snapshot(self) -> list[dict[str, str]]:
        """The lines, oldest first, JSON-able."""
        return [
            {"at_utc": at.isoformat(), "direction": direction, "action": action, "text": text}
            for at, direction, action, text in self._lines
        ]


def in_short(payload: Payload) -> str:
    """A few words of a payload for people."""
    words = [f"{name} {payload[name]}" for name in _WORDS if isinstance(payload.get(name), (str, int))]
    info = payload.get("statusInfo")
    if isinstance(info, dict):
        words.append(str(info.get("reasonCode")))
    return ", ".join(words)[:120]
