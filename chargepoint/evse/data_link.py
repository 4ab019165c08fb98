"""What the modems of connector and car mean for the pilot, and which cars charge by the duty cycle alone.

An EVSE without SLAC has no data link to wait for: the pilot is as the session wants it.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.evse.events import WriteLog
from chargepoint.evse.pwm_car import PwmCar
from chargepoint.model.data_link import STEP_SETTLE_S, DataLinkChanged, DataLinkEvent, DataLinkRemark, DataLinkState
from chargepoint.model.demand import PilotCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, EvseImage

_NO_LINK_TO_COME = (DataLinkState.UP, DataLinkState.GAVE_UP, DataLinkState.DUTY_CYCLE)


class DataLink:
    """One EVSE's. `speaks`: cars have a protocol here. `matches`: this station matches them by SLAC. Time is a number."""

    def __init__(self, evse_id: EvseId, lease_s: float, *, speaks: bool, matches: bool) -> None:
        self._speaks = speaks
        self._matches = matches
        self._by_duty_cycle = PwmCar(evse_id, lease_s)
        self._hidden_until_s = 0.0
        self.now: DataLinkChanged | None = None
        """As last reported; None without SLAC, and before the first report."""
        self.wanted = False
        """A car shall be matched: the session wants a conversation, and none is open."""

    @property
    def pwm_car(self) -> PwmCar | None:
        """The car reads its current from the pilot; None where it has a protocol, or may still get one."""
        return self._by_duty_cycle if not self._speaks or self._state is DataLinkState.DUTY_CYCLE else None

    @property
    def under_way(self) -> bool:
        """A car may still be matched by itself: it need not be called."""
        return self._matches and self._state not in _NO_LINK_TO_COME

    def take(self, event: DataLinkEvent) -> list[WriteLog]:
        """Take a report of SLAC. Returns what is worth a line in the log."""
        if isinstance(event, DataLinkRemark):
            return [WriteLog("!" if event.problem else "=", event.text)]
        came_up = event.state is DataLinkState.UP and self._state is not DataLinkState.UP
        self.now = event
        if not came_up:
            return []
        attenuation = "" if event.attenuation_dB is None else f", {event.attenuation_dB:.1f} dB"
        return [WriteLog("=", f"data link with {event.car_mac}{attenuation}")]

    def seen(self, image: EvseImage, now_s: float) -> EvseImage:
        """The image as the session shall see it. In a step to F, and for a moment after it, the car counts as plugged in (B)."""
        if self._state is DataLinkState.STEPPING:
            self._hidden_until_s = now_s + STEP_SETTLE_S
        if now_s >= self._hidden_until_s or image.pilot.plugged or image.pilot is ControlPilot.UNKNOWN:
            return image
        return replace(image, pilot=ControlPilot.B)

    def pilot(self, wanted: PilotCommand, *, in_use: bool) -> PilotCommand:
        """The pilot that the session wants, held back until the modem is ready, or replaced by F in a step.

        `in_use`: a conversation is open or power is on; then the pilot is the session's alone.
        """
        self.wanted = wanted is PilotCommand.PWM and not in_use
        if not self._matches or not self.wanted:
            return wanted
        match self._state:
            case None | DataLinkState.PREPARING:
                return PilotCommand.X1
            case DataLinkState.STEPPING:
                return PilotCommand.F
            case _:
                return wanted

    @property
    def _state(self) -> DataLinkState | None:
        return None if self.now is None else self.now.state
