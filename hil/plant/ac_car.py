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


@dataclass(slots=True)
class AcCar:
    """`ordered_W` is what the car orders from its on-board charger, positive into the car; `power_W` is what flows.

    The limits are magnitudes >= 0; a car without discharge has `discharge_power_max_W` 0. `disobedient_W` is a fault: this
    power flows whatever was ordered.
    """

    plugged: bool = False
    pilot: str = "B"
    pilot_wire_broken: bool = False
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
        return "A" if not self.plugged or self.pilot_wire_broken else self.pilot

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

    WAITING = "waiting"  # plugged, B, no 5 % PWM yet
    TALKING = "talking"  # B, the communication runs elsewhere
    CHARGING = "charging"  # C, the on-board charger follows
    STOPPING = "stopping"  # C, power goes to zero, then B


@dataclass(slots=True)
class AcAutoCar:
    """A car whose communication runs elsewhere, in an outside EVCC without a pilot wire.

    * The car goes from B to C when the station orders the transfer. A real car does so when the car itself sends
      PowerDelivery(Start), at most 250 ms later: docs/sources/iso15118-20.md 1.5.
    * While charging, the on-board charger follows the station's set-point, where `follows` is set.
    * The car goes back to B when the order for the transfer is gone and no power flows, or when the PWM is gone.
    """

    enabled: bool = False
    follows: bool = False
    stage: AcAutoStage = AcAutoStage.WAITING
    _pwm_s: float = 0.0
    _no_pwm_s: float = 0.0

    def restart(self) -> None:
        """Forget everything: the car was plugged in anew."""
        self.stage = AcAutoStage.WAITING
        self._pwm_s = self._no_pwm_s = 0.0

    def step(
        self, car: AcCar, duty_percent: float | None, transfer_ordered: bool, setpoint_W: float, dt_s: float
    ) -> None:
        """`duty_percent` None: no PWM on the pilot. `setpoint_W`: the station's order, positive into the car."""
        if not self.enabled or not car.plugged:
            return
        digital = duty_percent is not None and 3.0 <= duty_percent <= 7.0
        self._pwm_s = self._pwm_s + dt_s if digital else 0.0
        self._no_pwm_s = 0.0 if digital else self._no_pwm_s + dt_s
        if self._no_pwm_s >= PWM_LOST_S:
            self._leave(car)
            self.restart()
            return
        match self.stage:
            case AcAutoStage.WAITING:
                if self._pwm_s >= PWM_SEEN_S:
                    self.stage = AcAutoStage.TALKING
            case AcAutoStage.TALKING:
                if transfer_ordered:
                    car.pilot = "C"
                    self.stage = AcAutoStage.CHARGING
            case AcAutoStage.CHARGING:
                if not transfer_ordered:
                    car.ordered_W = 0.0
                    self.stage = AcAutoStage.STOPPING
                elif self.follows:
                    car.ordered_W = setpoint_W
            case AcAutoStage.STOPPING:
                if car.power_W == 0.0:
                    self._leave(car)
                    self.stage = AcAutoStage.TALKING

    def _leave(self, car: AcCar) -> None:
        car.ordered_W = 0.0
        car.pilot = "B"
