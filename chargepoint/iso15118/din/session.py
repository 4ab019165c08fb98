"""What a DIN 70121 session knows: frozen, replaced by each message."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import DC_EVErrorCode
from chargepoint.iso15118.steps.transfer import NO_TRANSFER, Transfer
from chargepoint.model.car import NO_DISPLAY, NOTHING_SAID, CarDisplay, CarEnergy
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits
from chargepoint.model.schedule_offer import ScheduleOffer


@dataclass(frozen=True, slots=True)
class DinSession:
    """Everything that later messages depend on."""

    state: DinState = DinState.SESSION_SETUP
    session_id: bytes = bytes(8)
    evcc_id: str = ""
    external_means_since_s: float | None = None
    """Since when (monotonic) the car waits for its driver's card or a start order; None: it did not ask yet."""
    limits: PowerLimits | None = None
    """What the car can take, as its last message says."""
    offered: StageCapabilities | None = None
    """Ours of ChargeParameterDiscovery: the values sent in the loop never exceed them."""
    energy: CarEnergy = NOTHING_SAID
    display: CarDisplay = NO_DISPLAY
    ev_error: DC_EVErrorCode = DC_EVErrorCode.NO_ERROR
    """The car's own error code, as its last message says."""
    schedule: ScheduleOffer | None = None
    isolation_checked: bool = False
    """The cable check of this session is finished."""
    transfer: Transfer = NO_TRANSFER

    @property
    def silence(self) -> Silence:
        """The bound on the car's silence by what is under voltage now."""
        return self.transfer.silence
