"""Whether energy flows in a transaction, and if not, whether car or station holds it back (OCPP chargingState)."""

from __future__ import annotations

from chargepoint.model.car import CarDemand
from chargepoint.model.image import EvseImage, Stage
from chargepoint.model.transactions import ChargingState

NOTHING_APPLIED_W = 1.0
"""DC: the ramp of the power stage is below this: no power is set."""

AC_BEGINS_W, AC_ENDS_W = 100.0, 50.0
"""AC: a car draws from here on, and draws nothing below. In between the state stays, so that it does not flicker."""

AC_IDLE_S = 2.0
"""AC: a car that draws nothing for this long is suspended. A car that turns from charge to discharge passes zero faster."""


class ChargingStateRule:
    """The charging state of one EVSE. Where nothing flows, the station holds back a car that may take or give power; else the
    car itself does. At an AC outlet the car converts: a car that draws nothing although its target is not 0 holds back by itself.
    """

    def __init__(self) -> None:
        self._idle_since_s: float | None = None

    def note(
        self, image: EvseImage | None, car: CarDemand | None, before: ChargingState, *, absent: bool
    ) -> ChargingState:
        """The state that follows from image and car. `before`: the state until now. `absent`: the car paused its session."""
        if absent:
            return ChargingState.SUSPENDED_EV
        if image is None or image.stage is not Stage.TRANSFER:
            self._idle_since_s = None
            return ChargingState.EV_CONNECTED
        if car is not None and car.service.is_ac:
            return self._of_ac(image, car, before)
        if image.target_W == 0.0 and abs(image.applied_W) < NOTHING_APPLIED_W:
            willing = car is not None and car.allows_power
            return ChargingState.SUSPENDED_EVSE if willing else ChargingState.SUSPENDED_EV
        return ChargingState.CHARGING

    def _of_ac(self, image: EvseImage, car: CarDemand, before: ChargingState) -> ChargingState:
        flows_from_W = AC_ENDS_W if before is ChargingState.CHARGING else AC_BEGINS_W
        if image.power_W is not None and abs(image.power_W) >= flows_from_W:
            self._idle_since_s = None
            return ChargingState.CHARGING
        if self._idle_since_s is None:
            self._idle_since_s = image.taken_at_s
        if image.taken_at_s - self._idle_since_s < AC_IDLE_S:
            return before
        willing = car.allows_power and not car.standby and car.planned_power_W != 0.0
        return ChargingState.SUSPENDED_EVSE if willing and image.target_W == 0.0 else ChargingState.SUSPENDED_EV
