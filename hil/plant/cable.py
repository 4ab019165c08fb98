"""The charging cable: copper that warms by the current through it, and the pins of the connector with a sensor that follows late.

Conductors, with `I` the current and `T` their temperature: `R = R20 * (1 + alpha * (T - 20))`, `C * dT/dt = I^2 * R + q - (T - T_ambient) / R_th`.
Pins: `C_p * dT_p/dt = I^2 * R_p - q`, with `q = (T_p - T) / R_pc` the heat that goes into the cable. Sensor: `tau * dT_s/dt = T_p - T_s`.
The resistances are part of the circuit, so the energy check sees their heat. alpha of copper: 0.00393 per kelvin. All other figures are our
own: five metres of 35 mm² without cooling, good for 200 A; a new pair of pins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hil.plant.heat import AMBIENT_DEGC, ThermalMass

COPPER_PER_K = 0.00393
CONDUCTORS_OHM = 0.0049
"""Both ways, at 20 degrees Celsius: 2 times 5 m of 0.49 mΩ per metre."""
PINS_OHM = 0.0006
"""Both pins of a new connector in its inlet."""
SENSOR_LAG_S = 5.0


@dataclass(slots=True)
class ChargingCable:
    """Advance with `step`. Temperatures in degrees Celsius, resistances in ohms of both ways together."""

    conductors_ohm: float = CONDUCTORS_OHM
    pins_ohm: float = PINS_OHM
    """Grows where pins are worn, dirty or not quite in."""
    ambient_degC: float = AMBIENT_DEGC
    copper: ThermalMass = field(default_factory=lambda: ThermalMass(1_200.0, 0.25))
    pins: ThermalMass = field(default_factory=lambda: ThermalMass(6.0, 20.0))
    """Its surroundings are the cable: that is where the heat of the pins goes."""
    sensor_degC: float = AMBIENT_DEGC
    loss_W: float = 0.0
    """In the last step, of conductors and pins."""

    @property
    def resistance_ohm(self) -> float:
        """Of conductors and pins now."""
        return self.copper_ohm + self.pins_ohm

    @property
    def copper_ohm(self) -> float:
        """Of both conductors at their temperature."""
        return self.conductors_ohm * (1.0 + COPPER_PER_K * (self.copper.temperature_degC - 20.0))

    def step(self, current_A: float, dt_s: float) -> None:
        """Warm by this current, positive or negative, for `dt_s` seconds."""
        squared = current_A * current_A
        copper_W, pins_W = squared * self.copper_ohm, squared * self.pins_ohm
        self.loss_W = copper_W + pins_W
        pins, copper = self.pins, self.copper
        before_degC = pins.temperature_degC
        pins.step(pins_W, dt_s, copper.temperature_degC)
        into_copper_W = pins_W - pins.capacity_J_per_K * (pins.temperature_degC - before_degC) / dt_s
        copper.step(copper_W + into_copper_W, dt_s, self.ambient_degC)
        self.sensor_degC += (pins.temperature_degC - self.sensor_degC) * (1.0 - math.exp(-dt_s / SENSOR_LAG_S))
