"""What an ISO 15118-2 session knows: frozen, replaced by each message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.iso15118.iso2.contract_state import NO_ISO2_CONTRACT, Iso2Contract
from chargepoint.iso15118.iso2.sae_discharge import SaeService
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import DC_EVErrorCode, EnergyTransferMode, MeterInfo, PaymentOption
from chargepoint.iso15118.steps.power_profile import AgreedProfile
from chargepoint.iso15118.steps.transfer import NO_TRANSFER, Transfer
from chargepoint.model.car import NO_DISPLAY, CarDisplay, CarEnergy, EnergyService
from chargepoint.model.car_questions import InstallCertificate
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits
from chargepoint.model.schedule_offer import ScheduleOffer

NOTHING_SAID = CarEnergy()


@dataclass(frozen=True, slots=True)
class Iso2Session:
    """Everything that later messages depend on."""

    state: Iso2State = Iso2State.SESSION_SETUP
    session_id: bytes = bytes(8)
    evcc_id: str = ""
    joined: bool = False
    """The car goes on with a session that was kept."""
    payment: PaymentOption | None = None
    external_means_since_s: float | None = None
    """Since when (monotonic) the car waits for its driver's card or a start order; None: it did not ask."""
    contract: Iso2Contract = NO_ISO2_CONTRACT
    emaid: str = ""
    """Of the contract that pays; empty with external means."""
    installation: InstallCertificate | None = None
    """The question for a contract certificate whose answer is awaited."""
    installations: int = 0
    """How many such questions this session asked."""
    remark: Remark | None = None
    """What the last message led to, in words; a new object for each message that has something to say."""
    sae: SaeService | None = None
    """Outside the standard: the discharge service of SAE J2847/2 that the car selected."""
    sae_begun: bool = False
    """V2H: the car's first ChargeParameterDiscoveryReq of two came."""
    mode: EnergyTransferMode | None = None
    """As the car asked for it in ChargeParameterDiscovery."""
    service: EnergyService | None = None
    limits: PowerLimits | None = None
    """The car's, of its last message that had limits."""
    offered: StageCapabilities | None = None
    """Ours of ChargeParameterDiscovery: the values sent in the loop never exceed them, whatever derating ended since."""
    energy: CarEnergy = NOTHING_SAID
    ev_error: DC_EVErrorCode = DC_EVErrorCode.NO_ERROR
    display: CarDisplay = NO_DISPLAY
    schedule_round: int = 0
    schedule: ScheduleOffer | None = None
    profile: AgreedProfile | None = None
    renegotiating: bool = False
    """AC: a schedule renegotiation is under way: the contactor stays closed, and power flows under the old limits."""
    cable_checked: bool = False
    """DC: the cable check of this session, or of this renegotiation, is finished."""
    transfer: Transfer = NO_TRANSFER
    meter_sent: MeterInfo | None = None
    """The MeterInfo that the car was asked to confirm: its receipt must hold the same."""

    def within(self, **changes: object) -> Self:
        """The session with these fields of its transfer changed."""
        return replace(self, transfer=replace(self.transfer, **changes))  # type: ignore[arg-type]

    @property
    def is_ac(self) -> bool:
        """The car charges with alternating current."""
        return self.service is not None and self.service.is_ac

    @property
    def is_dc(self) -> bool:
        """The car charges with direct current."""
        return self.service is not None and not self.service.is_ac

    @property
    def silence(self) -> Silence:
        """The bound on the car's silence by what is under voltage now."""
        return self.transfer.silence

    @property
    def schedule_tuple_id(self) -> int:
        """The schedule that the loop's responses name; 1 (the least that the schema knows) before one was offered."""
        return 1 if self.schedule is None else self.schedule.tuple_id
