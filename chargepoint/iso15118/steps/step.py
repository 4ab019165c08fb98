"""How a step ends: it is reached, it is under way, or it is impossible."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.iso15118.steps.transfer import Transfer


class Hindrance(Enum):
    """Why a step is impossible; each protocol has its own response code for it."""

    NO_POWER = "power is not permitted, or no transaction is open"
    CABLE_CHECK = "the cable check failed, or took too long"
    CONTACTOR = "the contactor did not close or open in time"
    CURRENT_FLOWS = "the current did not end"
    NOT_MEASURED = "a value of the power stage is not known"
    EMERGENCY = "a fault opened the contactor"
    PILOT = "the pilot does not show B"
    CAR_TOO_SLOW = "the car does not come to an end"


@dataclass(frozen=True, slots=True)
class Reached:
    """The step is done; the next one may follow."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The power stage works on it. `transfer` is what the station must see meanwhile."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Impossible:
    """It cannot be done. `why`: one sentence for the log. `ours`: the cause is the station, not the car."""

    hindrance: Hindrance
    why: str
    ours: bool = True


Step = Reached | UnderWay | Impossible
