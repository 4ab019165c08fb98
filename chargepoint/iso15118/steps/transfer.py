"""What a car asks of the power stage, and how the transfer stands: the part of a session that every protocol has."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.model.demand import Phase


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the car asks of the power stage, and how the transfer stands. Times are monotonic seconds."""

    phase: Phase = Phase.OFF
    target_voltage_V: float | None = None
    target_current_A: float | None = None
    present_voltage_V: float | None = None
    present_power_W: float | None = None
    standby: bool = False
    cable_check_since_s: float | None = None
    checked_before: bool = False
    """The stage showed a finished cable check before this session asked for one: that result is not ours."""
    loops: int = 0
    """Charge loops since the transfer began."""
    outside_profile_since_s: float | None = None
    heard_s: float | None = None
    """When the car last said what may flow: in a charge loop, or in the first Start after one. None: not in the transfer."""
    looped: bool = False
    """A charge loop came since the last Start."""
    pre_charge_since_s: float | None = None
    rested: bool = False
    """DC: the pilot showed B after PowerDelivery(Stop)."""

    @property
    def silence(self) -> Silence:
        """The bound on the car's silence by what is under voltage now."""
        return Silence.SEQUENCE if self.phase is Phase.OFF else Silence.ON_VOLTAGE


NO_TRANSFER = Transfer()
