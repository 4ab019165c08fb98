"""One message as the conversation keeps it: in short for the status page, in full for the wire trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TRACE_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Exchanged:
    """`direction`: «<» from the car, «>» to the car, «!» not understood. `note`: a code other than OK, or a remark."""

    at_s: float
    direction: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExchangedFrame:
    """One frame in full. `message`: decoded, None where it could not be."""

    at_s: float
    direction: str
    payload_type: int
    payload: bytes
    message: Any | None
    note: str = ""
