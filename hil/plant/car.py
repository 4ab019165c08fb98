"""The car as the wires see it: plug, pilot resistor, inlet contactors, battery. And one that plays itself.

`AutoCar` stands for a car whose communication runs elsewhere (an EVCC without a pilot wire): it follows the PWM and the
output voltage alone, with time as a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hil.plant.battery import Battery
from hil.plant.bms import BatteryShares, shares_of
from hil.plant.contactor import ContactorPole


@dataclass(slots=True)
class Car:
    """What is commanded (`pilot`, `contactors_wanted`) and what is (`contactors.closed`)."""

    plugged: bool = False
    pilot: str = "B"
    diode: bool = True
    pilot_wire_broken: bool = False
    pilot_shorted: bool = False
    contactors_wanted: bool = False
    contactors: ContactorPole = field(default_factory=ContactorPole)
    battery: Battery = field(default_factory=Battery)
    managed: bool = False
    """The battery's limits move with charge and temperature (`hil.plant.bms`); else the ratings hold always."""

    @property
    def shares(self) -> BatteryShares:
        """What the battery takes and gives now of the car's ratings."""
        return shares_of(self.battery) if self.managed else BatteryShares()

    @property
    def pilot_seen(self) -> str:
        """The resistor the station sees."""
        if not self.plugged or self.pilot_wire_broken:
            return "A"
        return "E" if self.pilot_shorted else self.pilot


class AutoStage(Enum):
    """Where the self-playing car is."""

    WAITING = "waiting"  # plugged, B, no 5 % PWM yet
    READY = "ready"  # C, watching the output voltage
    CONNECTED = "connected"  # contactors closed
    DONE = "done"  # back in B until the PWM goes away, or has stayed on for its next session


PWM_SEEN_S = 0.3
PWM_LOST_S = 0.1
NEXT_SESSION_S = 3.0
STEADY_S = 0.06
STEADY_BAND_V = 3.0
LIVE_V = 60.0
FOLLOW_V_PER_S = 10_000.0
"""Far below what a station bears as a voltage above the car's maximum (0.4 s)."""
BELOW_SET_POINT_V = 10.0
NEAR_V = 20.0


@dataclass(slots=True)
class AutoCar:
    """A car that plays by what the pilot and the output show.

    * After 300 ms of 5 % PWM the car goes to C.
    * When the output has been steady above 60 V for 60 ms, the car closes its contactors. That happens on the `rises`-th rise.
      The first rise is the cable check's, unless `rises` is 1.
    * The battery's open-circuit voltage becomes the voltage found.
    * When the current is below 1 A and the module is off, or when the PWM is gone, the car goes back to B with open contactors.
    * Where the PWM stays on for 3 s after that, a car has connected again without a new plug-in. The car begins anew.

    `expected_V`, if given, is the pre-charge voltage: it closes only within 20 V of it. It never closes above the battery's
    maximum voltage, unless the battery follows.

    `follows`: the battery suits a car whose words are not known here. Where the station's voltage set-point falls below the
    battery while charging, because the car names a lower target or maximum, the battery's voltage follows to just below it.
    """

    enabled: bool = False
    rises: int = 2
    expected_V: float | None = None
    follows: bool = False
    stage: AutoStage = AutoStage.WAITING
    _pwm_s: float = 0.0
    _no_pwm_s: float = 0.0
    _done_s: float = 0.0
    _rises_seen: int = 0
    _live: bool = False
    _steady_s: float = 0.0
    _steady_V: float = 0.0

    def restart(self) -> None:
        """Forget everything: the car was plugged in anew."""
        self.stage = AutoStage.WAITING
        self._pwm_s = self._no_pwm_s = self._done_s = self._steady_s = 0.0
        self._rises_seen, self._live = 0, False

    def step(
        self,
        car: Car,
        duty_percent: float | None,
        voltage_V: float,
        current_A: float,
        module_on: bool,
        dt_s: float,
        charge_V: float | None = None,
    ) -> None:
        """`duty_percent` None: no PWM on the pilot. `charge_V`: the set-point of a module that charges, None while none does."""
        if not self.enabled or not car.plugged:
            return
        digital = duty_percent is not None and 3.0 <= duty_percent <= 7.0
        self._pwm_s = self._pwm_s + dt_s if digital else 0.0
        self._no_pwm_s = 0.0 if digital else self._no_pwm_s + dt_s
        if self._no_pwm_s >= PWM_LOST_S and abs(current_A) < 1.0:
            self._leave(car)
            self.restart()
            return
        match self.stage:
            case AutoStage.WAITING:
                if self._pwm_s >= PWM_SEEN_S:
                    car.pilot = "C"
                    self.stage = AutoStage.READY
            case AutoStage.READY:
                self._watch_output(car, voltage_V, dt_s)
            case AutoStage.CONNECTED:
                if not module_on and abs(current_A) < 1.0:
                    self._leave(car)
                    self.stage = AutoStage.DONE
                elif self.follows and charge_V is not None:
                    goal_V, now_V = max(charge_V - BELOW_SET_POINT_V, LIVE_V), car.battery.open_circuit_V
                    if goal_V < now_V:
                        car.battery.set_open_circuit_V(max(goal_V, now_V - FOLLOW_V_PER_S * dt_s))
            case AutoStage.DONE:
                self._done_s += dt_s
                if self._done_s >= NEXT_SESSION_S:
                    self.restart()

    def _watch_output(self, car: Car, voltage_V: float, dt_s: float) -> None:
        live = voltage_V > LIVE_V
        if live and not self._live:
            self._rises_seen += 1
        self._live = live
        if not live or abs(voltage_V - self._steady_V) > STEADY_BAND_V:
            self._steady_V, self._steady_s = voltage_V, 0.0
            return
        self._steady_s += dt_s
        expected = self.expected_V is None or abs(voltage_V - self.expected_V) <= NEAR_V
        acceptable = expected and (self.follows or voltage_V <= car.battery.voltage_max_V)
        if self._steady_s >= STEADY_S and self._rises_seen >= self.rises and acceptable:
            car.battery.set_open_circuit_V(voltage_V)
            car.contactors_wanted = True
            self.stage = AutoStage.CONNECTED
            self._steady_s = 0.0

    def _leave(self, car: Car) -> None:
        car.contactors_wanted = False
        car.pilot = "B"
