"""Frames of OCPP-J as the suite sees them: what came, what went, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hil.certification.patterns import Payload

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One frame, or a note about the connection. `at_s` is monotonic, `clock` the time of day."""

    at_s: float
    direction: str
    """`in` from the station, `out` to it, `note` for what happened to the connection."""
    text: str
    clock: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class StationCall:
    """A CALL of the station. `at_s` is monotonic; `connection` counts the station's connections from 1."""

    at_s: float
    clock: datetime
    connection: int
    unique_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallErrorAnswer:
    """The station's CALLERROR to a CALL of ours."""

    code: str
    text: str
    details: Any


def wire_time(moment: datetime) -> str:
    """A time as the wire has it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
