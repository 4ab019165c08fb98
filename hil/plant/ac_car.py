"""A car at an AC outlet: plug, pilot resistor, on-board charger, battery. And one that plays its pilot by itself.

The on-board charger converts: it follows the power the car orders, within its limits and its slope, while the outlet is live.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hil.plant.battery import Battery

PWM_SEEN_S = 0.3
"""5 % duty for this long means digital communication to the car that plays by itself."""

PWM_LOST_S = 0.1

NEXT_SESSION_S = 3.0
"""A car that ended its charge begins another one where the PWM stayed for this long."""


@dataclass(slots=True)
class AcCar:
    """`ordered_W` is what the car orders from its on-board charger, positive into the car; `power_W` is what flows.

    The limits are magnitudes >= 0; a car without discharge has `discharge_power_max_W` 0. `disobedient_W` is a fault: this
    power flows whatever was ordered.
    """

    plugged: bool = False
    pilot: str = "B"
    pilot_wire_broken: bool = False
    pilot_shorted: bool = False
    diode: bool = True
    battery: Battery = field(default_factory=Battery)
    charge_power_max_W: float = 11_000.0
    discharge_power_max_W: float = 10_000.0
    phases: int = 3
    slope_W_per_s: float = 20_000.0
    ordered_W: float = 0.0
    power_W: float = 0.0
    disobedient_W: float | None = None

    @property
    def pilot_seen(self) -> str:
        """The resistor the station sees."""
        if not self.plugged or self.pilot_wire_broken:
            return "A"
        return "E" if self.pilot_shorted else self.pilot

    def step(self, live: bool, dt_s: float) -> float:
        """Advance by `dt_s` seconds; returns the power. `live`: the outlet's contactor is closed and the grid is there.

        Without a live outlet the power is zero at once. A full battery takes nothing, an empty one gives nothing.
        """
        if not live or not self.plugged:
            self.power_W = 0.0
            return 0.0
        if self.disobedient_W is not None:
            self.power_W = self.disobedient_W
        else:
            high_W = self.charge_power_max_W if self.battery.soc_percent < 100.0 else 0.0
            low_W = -self.discharge_power_max_W if self.battery.soc_percent > 0.0 else 0.0
            goal_W = min(max(self.ordered_W, low_W), high_W)
            step_W = self.slope_W_per_s * dt_s
            self.power_W = min(max(goal_W, self.power_W - step_W), self.power_W + step_W)
        self.battery.take_Wh(self.power_W * dt_s / 3600.0)
        return self.power_W


class AcAutoStage(Enum):
    """Where the self-playing car is."""

    WAITING = "waiting"  # plugged, B, no 5 % PWM and no lock yet
    READY = "ready"  # C, the outlet is not live yet
    CHARGING = "charging"  # C, the outlet is live
    DONE = "done"  # B, the outlet is no longer live


@dataclass(slots=True)
class AcAutoCar:
    """A car whose communication runs elsewhere, in an outside EVCC without a pilot wire. The plant does not hear its messages.

    * The car goes from B to C when 5 % PWM and a closed lock were there for 0.3 s. A real car does so when it sends
      PowerDelivery(Start): docs/sources/iso15118-20.md 1.5. The station closes only with its own order.
    * With `follows` the charger takes `follows_W` while the outlet is live; else only what a request orders.
    * The car goes back to B when the outlet is no longer live, or when the PWM is gone.
    """

    enabled: bool = False
    follows: bool = False
    follows_W: float = 2_000.0
    """Little: a real outside car may name a small limit, and the station opens where a car takes more than it may."""
    stage: AcAutoStage = AcAutoStage.WAITING
    _asked_s: float = 0.0
    _no_pwm_s: float = 0.0

    def restart(self) -> None:
        """Forget everything: the car was plugged in anew."""
        self.stage = AcAutoStage.WAITING
        self._asked_s = self._no_pwm_s = 0.0

    def step(self, car: AcCar, duty_percent: float | None, locked: bool, live: bool, dt_s: float) -> None:
        """`duty_percent` None: no PWM on the pilot. `live`: the contactor is closed and the grid is there."""
        if not self.enabled or not car.plugged:
            return
        digital = duty_percent is not None and 3.0 <= duty_percent <= 7.0
        self._asked_s = self._asked_s + dt_s if digital and locked else 0.0
        self._no_pwm_s = 0.0 if digital else self._no_pwm_s + dt_s
        if self._no_pwm_s >= PWM_LOST_S:
            self._leave(car)
            self.restart()
            return
        match self.stage:
            case AcAutoStage.WAITING:
                if self._asked_s >= PWM_SEEN_S:
                    car.pilot, self.stage = "C", AcAutoStage.READY
            case AcAutoStage.READY:
                if live:
                    self.stage = AcAutoStage.CHARGING
            case AcAutoStage.CHARGING:
                if not live:
                    self._leave(car)
                    self.stage, self._asked_s = AcAutoStage.DONE, 0.0
                elif self.follows:
                    car.ordered_W = self.follows_W
            case AcAutoStage.DONE:
                if self._asked_s >= NEXT_SESSION_S:
                    self.stage = AcAutoStage.WAITING

    def _leave(self, car: AcCar) -> None:
        car.ordered_W = 0.0
        car.pilot = "B"
