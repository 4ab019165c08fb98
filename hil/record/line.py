"""One line of the record, and the words for what it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

STATION = 0
"""In place of an EVSE's number: what belongs to the whole station."""


class Seer(Enum):
    """Who saw it."""

    PLANT = "plant"
    """The physics: what is true."""
    STATION = "station"
    """The controller under test: what it says of itself."""
    CAR = "car"
    CSMS = "csms"
    BENCH = "bench"
    """The bench itself: what it did, and what broke in it."""


class LineKind(Enum):
    """What sort of line it is."""

    VALUE = "value"
    """The signal `name` has this value from now on, until the next line of the same signal, EVSE and source."""
    MESSAGE = "message"
    """A message on a wire: `name` is its type, `value` what it says."""
    NOTE = "note"
    """A sentence for people in `text`."""
    ACTION = "action"
    """The scenario did something: `name` is the verb or the fault, `value` its arguments."""


@dataclass(frozen=True, slots=True)
class RecordLine:
    """`at_s`: seconds since the record began, on the bench's clock. Positive power and current flow into the car."""

    at_s: float
    seer: Seer
    kind: LineKind
    name: str
    value: Json = None
    evse: int = STATION
    text: str = ""
