"""What an ISO 15118-20 session knows: frozen, replaced by each message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chargepoint.iso15118.messages.common_types import MessageHeader
from chargepoint.iso15118.secc.services import ParameterChoice
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import CarEnergy, CarLimits
from chargepoint.model.demand import Phase
from chargepoint.model.image import StageCapabilities

NOTHING_SAID = CarEnergy()


class Now(NamedTuple):
    """Both clocks at one instant: monotonic to decide, UTC for headers."""

    monotonic_s: float
    utc_s: int


@dataclass(frozen=True, slots=True)
class SeccSettings:
    """What the station decides before any car comes."""

    evse_id: int
    evse_id_text: str
    services: tuple[ParameterChoice, ...]
    """Offered parameter sets, in order of preference (some cars take the first)."""
    charge_loop_timeout_s: float


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that later messages depend on."""

    state: State = State.SESSION_SETUP
    session_id: bytes = bytes(8)
    evcc_id: str = ""
    choice: ParameterChoice | None = None
    limits: CarLimits | None = None
    announced: CarLimits | None = None
    """The car's limits of ChargeParameterDiscovery: those of the loop never exceed them (V2G20-2654)."""
    offered: StageCapabilities | None = None
    """Ours of ChargeParameterDiscovery: the values sent in the loop never exceed them, whatever derating ended since."""
    energy: CarEnergy = NOTHING_SAID
    schedule_charge_W: float | None = None
    schedule_discharge_W: float | None = None
    phase: Phase = Phase.OFF
    target_voltage_V: float | None = None
    target_current_A: float | None = None
    present_voltage_V: float | None = None
    cable_check_since_s: float | None = None
    selected_schedule: int | None = None

    def header(self, now: Now) -> MessageHeader:
        """A response's header."""
        return MessageHeader(SessionID=self.session_id, TimeStamp=now.utc_s)
