"""The data link between the PLC modems of connector and car, as SLAC (ISO 15118-3) makes it: its states, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.ids import EvseId


class DataLinkState(Enum):
    """How far the modem of this connector is. The pilot may show 5 % in every state but PREPARING and STEPPING."""

    PREPARING = "preparing"
    """The modem is not there, or has not taken its key yet."""
    READY = "ready"
    """The modem waits for a car's first message."""
    MATCHING = "matching"
    """A car sounds, or has sounded; it has no key yet."""
    JOINING = "joining"
    """A car has the key; the modems make their link."""
    UP = "up"
    """Car and station are in one network: SDP may follow."""
    STEPPING = "stepping"
    """No car was matched: the pilot shows F for some seconds, so that the car begins again."""
    GAVE_UP = "gave up"
    """A DC outlet matched no car in all its attempts. It goes on listening."""
    DUTY_CYCLE = "duty cycle"
    """An AC outlet matched no car in all its attempts. The car charges by the duty cycle alone until it is unplugged."""


STEP_SETTLE_S = 0.5
"""After a step to F the pilot passes through A for some milliseconds: for so long A is no unplugging (a rule of the project)."""


@dataclass(frozen=True, slots=True)
class DataLinkChanged:
    """The state, why, and what is known of car and modem.

    `car_mac`: as people write it, None before a car is matched. `attenuation_dB`: the mean over its groups. `modem`: vendor and
    firmware, None while unknown.
    """

    evse_id: EvseId
    state: DataLinkState
    detail: str = ""
    car_mac: str | None = None
    attenuation_dB: float | None = None
    modem: str | None = None


@dataclass(frozen=True, slots=True)
class DataLinkRemark:
    """A sentence for the log. `problem`: a person should read it."""

    evse_id: EvseId
    text: str
    problem: bool = False


DataLinkEvent = DataLinkChanged | DataLinkRemark
