"""What an ISO 15118-20 session knows: frozen, replaced by each message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.iso15118.iso20.ac_phases import PhaseLimits
from chargepoint.iso15118.iso20.contract_state import NO_CONTRACT, ContractState
from chargepoint.iso15118.iso20.installation_state import Installation
from chargepoint.iso15118.iso20.services import ParameterChoice
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import Authorization, AuthorizationReq
from chargepoint.iso15118.messages.common_types import MessageHeader, MeterInfo
from chargepoint.iso15118.steps.power_profile import AgreedProfile
from chargepoint.iso15118.steps.transfer import NO_TRANSFER, Transfer
from chargepoint.model.car import NO_DISPLAY, NOTHING_SAID, CarDisplay, CarEnergy, ControlMode
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits
from chargepoint.model.schedule_offer import ScheduleOffer


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that later messages depend on."""

    state: State = State.SESSION_SETUP
    session_id: bytes = bytes(8)
    evcc_id: str = ""
    joined: bool = False
    """The car goes on with a session that was kept."""
    gen_challenge: bytes = b""
    """What a contract must sign; empty: Plug and Charge is not offered, or the challenge is used."""
    authorized_with: Authorization | None = None
    emaid: str = ""
    awaited_authorization: AuthorizationReq | None = None
    """The AuthorizationReq whose answer is awaited: its repetition must be the same."""
    external_means_since_s: float | None = None
    """Since when (monotonic) the car waits for its driver's card or a start order; None: it did not ask for external means."""
    contract: ContractState = NO_CONTRACT
    installation: Installation | None = None
    remark: Remark | None = None
    """What the last message led to, in words; a new object for each message that has something to say."""
    choice: ParameterChoice | None = None
    added_services: tuple[tuple[int, int], ...] = ()
    """The value-added services: pairs of ServiceID and ParameterSetID."""
    limits: PowerLimits | None = None
    announced: PowerLimits | None = None
    """The car's limits of ChargeParameterDiscovery: those of the loop never exceed them (V2G20-2654)."""
    offered: StageCapabilities | None = None
    """Ours of ChargeParameterDiscovery: the values sent in the loop never exceed them, whatever derating ended since."""
    phase_limits: PhaseLimits | None = None
    """AC: the car gave its limits for each phase, so the station does the same (V2G20-1822)."""
    energy: CarEnergy = NOTHING_SAID
    display: CarDisplay = NO_DISPLAY
    schedule_round: int = 0
    schedule: ScheduleOffer | None = None
    profile: AgreedProfile | None = None
    renegotiating: bool = False
    """A schedule renegotiation is under way: power flows under the old limits."""
    transfer: Transfer = NO_TRANSFER
    meter_sent: MeterInfo | None = None
    """The last MeterInfo the car got: what it confirms must be the same."""

    def header(self, now: Now) -> MessageHeader:
        """A response's header."""
        return MessageHeader(SessionID=self.session_id, TimeStamp=now.utc_s)

    def within(self, **changes: object) -> Self:
        """The session with these fields of its transfer changed."""
        return replace(self, transfer=replace(self.transfer, **changes))  # type: ignore[arg-type]

    def planned_power_W(self, utc_s: float) -> float | None:
        """What the car plans for this moment by its EVPowerProfile, in W, signed; None without a plan, and in Dynamic mode."""
        scheduled = self.choice is not None and self.choice.control_mode is ControlMode.SCHEDULED
        return self.profile.power_at(utc_s) if scheduled and self.profile is not None else None

    @property
    def is_ac(self) -> bool:
        """An AC service was chosen."""
        return self.choice is not None and self.choice.service.is_ac

    @property
    def is_dc(self) -> bool:
        """A DC service (or MCS) was chosen."""
        return self.choice is not None and not self.choice.service.is_ac

    @property
    def silence(self) -> Silence:
        """The bound on the car's silence by what is under voltage now."""
        return self.transfer.silence
