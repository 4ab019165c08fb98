"""The lamps of a connector: what they say, and what the daemon knows that the power process does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from chargepoint.model.ids import EvseId


class Lamp(Enum):
    """One light of a connector."""

    GREEN = "green"
    BLUE = "blue"
    RED = "red"


class IndicatorState(Enum):
    """What the lamps say."""

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    CHARGING = "charging"
    DISCHARGING = "discharging"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


class ConnectorWord(IntEnum):
    """What the daemon alone knows of a connector."""

    IN_SERVICE = 0
    RESERVED = 1
    UNAVAILABLE = 2


@dataclass(frozen=True, slots=True)
class ShowConnector:
    """The daemon's word about a connector, for its lamps. It counts for some seconds and moves nothing but light."""

    evse_id: EvseId
    word: ConnectorWord
