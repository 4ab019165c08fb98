"""One frame of the wire, or one event at the station, as a trace keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.iso15118.v2gtp import PayloadType


class WireDirection(Enum):
    """Who sent it. An EVENT is nothing on the wire: a time-out, a lost connection."""

    FROM_CAR = "car>station"
    TO_CAR = "station>car"
    EVENT = "station"


@dataclass(frozen=True, slots=True)
class TracedFrame:
    """A V2GTP frame without its header. `at_utc_s`: seconds since the epoch. `payload_type` 0 with an EVENT.

    `message` is the decoded message, None where there is none or it could not be decoded. `note` says what is wrong or odd, in a sentence for people; empty for a frame in order.
    """

    at_utc_s: float
    direction: WireDirection
    payload_type: int
    payload: bytes
    message: object | None = None
    note: str = ""

    @property
    def discovery(self) -> bool:
        """The frame belongs to SDP, and travels in a UDP datagram."""
        return self.payload_type in (PayloadType.SDP_REQUEST, PayloadType.SDP_RESPONSE)


def type_name(payload_type: int) -> str:
    """The payload type in words, or its number."""
    try:
        return PayloadType(payload_type).name
    except ValueError:
        return f"0x{payload_type:04x}"
