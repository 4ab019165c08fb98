"""The energy meter: its own integrals of what it measures, never the plant's."""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.plant.sensor_error import Errors, shown


@dataclass(slots=True)
class MeterPlant:
    """Import counts energy towards the car, export energy from it. Gains and offsets are the sensor's errors."""

    voltage_gain: float = 1.0
    current_gain: float = 1.0
    current_offset_A: float = 0.0
    import_Wh: float = 0.0
    export_Wh: float = 0.0
    voltage_V: float = 0.0
    current_A: float = 0.0
    silent: bool = False
    frozen: bool = False
    """Answers with the same registers for ever."""
    runs_backwards: bool = False
    """Import and export registers count downwards."""
    errors: Errors = field(default_factory=dict)
    """Of `voltage` (V), `current` (A) and `energy` (Wh, of what it counts)."""

    @property
    def power_W(self) -> float:
        """Measured power, positive into the car."""
        return self.voltage_V * self.current_A

    def step(self, voltage_V: float, current_A: float, dt_s: float) -> None:
        """Measure and count for one step."""
        self.voltage_V = voltage_V * self.voltage_gain
        self.current_A = current_A * self.current_gain + self.current_offset_A
        energy_Wh = 0.0
        if self.errors:
            self.voltage_V = shown(self.errors, "voltage", self.voltage_V)
            self.current_A = shown(self.errors, "current", self.current_A)
            if (error := self.errors.get("energy")) is not None:
                energy_Wh = 0.0 if error.stuck else (error.gain - 1.0) * self.power_W * dt_s / 3600.0
                energy_Wh += -self.power_W * dt_s / 3600.0 if error.stuck else error.per_s * dt_s
        energy_Wh += self.power_W * dt_s / 3600.0
        if self.runs_backwards:
            self.import_Wh = max(0.0, self.import_Wh - max(0.0, energy_Wh))
            self.export_Wh = max(0.0, self.export_Wh - max(0.0, -energy_Wh))
            return
        if energy_Wh >= 0:
            self.import_Wh += energy_Wh
        else:
            self.export_Wh -= energy_Wh
