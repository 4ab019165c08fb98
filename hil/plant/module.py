"""A bidirectional DC power module that behaves like an EA PSB 10000 (docs/sources/hardware.md 1.2).

One voltage set-point and two magnitudes of current: it sources when the terminal is below the set-point and sinks when it
is above, always inside its current and power limits. No direction register. Rising current is slew-limited, falling is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.plant.conversion import Conversion
from hil.plant.sensor_error import Errors, shown

GRID_RETURN_S = 1.0
"""From the grid's return to the first answer of a module (own figure)."""


@dataclass(slots=True)
class ModulePlant:
    """Set-points are what the registers say; `current_A` is what flows out of the terminals (negative: sinking)."""

    nominal_V: float = 1000.0
    nominal_A: float = 40.0
    nominal_W: float = 30_000.0
    slew_A_per_s: float = 4000.0
    remote: bool = False
    output_on: bool = False
    voltage_set_V: float = 0.0
    source_current_A: float = 0.0
    sink_current_A: float = 0.0
    source_power_W: float = 0.0
    sink_power_W: float = 0.0
    current_A: float = 0.0
    alarm: bool = False
    regulation: int = 0
    """0 CV, 1 CC, 2 CP, as in the state register."""
    excess_voltage_V: float = 0.0
    """Fault: regulates that much above its set-point and forgets its current limit."""
    forced_current_A: float | None = None
    """Fault: drives this current whatever was set."""
    follows_share: float = 1.0
    """Fault: gives that share of the current it was ordered."""
    frozen: bool = False
    """Fault: answers with the same registers for ever. It still does what it is written."""
    silent: bool = False
    starting_s: float = 0.0
    """Seconds until a module that restarted answers again."""
    terminal_V: float = field(default=0.0)
    conversion: Conversion = field(default_factory=lambda: Conversion(30_000.0))
    errors: Errors = field(default_factory=dict)
    """Of its own measurement: `voltage` (V) and `current` (A). What it regulates by stays right."""

    def __post_init__(self) -> None:
        self.conversion.rated_W = self.nominal_W

    def convert(self, dt_s: float, *, grid_live: bool) -> None:
        """After the circuit's step: what the grid gave for it. Without a grid the module loses its output and says nothing."""
        self.conversion.step(self.terminal_V * self.current_A, dt_s, on=self.output_on)
        if not grid_live and self.starting_s <= 0.0:
            self.restart(GRID_RETURN_S)

    @property
    def answers(self) -> bool:
        """It is neither silent nor on its way up."""
        return not self.silent and self.starting_s <= 0.0

    def restart(self, silent_s: float) -> None:
        """Its own supply failed for a moment: every setting is back to its default, and it says nothing for a while."""
        self.remote = self.output_on = self.alarm = False
        self.voltage_set_V = self.source_current_A = self.sink_current_A = 0.0
        self.source_power_W = self.sink_power_W = 0.0
        self.starting_s = silent_s

    def set_output(self, on: bool) -> bool:
        """Switch the terminals; refused (False) without remote or, switching on, with an alarm."""
        if not self.remote or (on and self.alarm):
            return False
        self.output_on = on
        return True

    def set_remote(self, on: bool) -> None:
        """Leaving remote switches the output off here (the real unit keeps its state: unverified)."""
        self.remote = on
        if not on:
            self.output_on = False

    def raise_alarm(self) -> None:
        """An alarm switches the output off and stays until cleared."""
        self.alarm = True
        self.output_on = False

    def wanted(self, needed_A: float, dt_s: float) -> float:
        """The current it drives when `needed_A` would bring the terminal exactly to `effective_voltage_V`."""
        if not self.output_on or self.alarm:
            self.regulation = 0
            return 0.0
        if self.forced_current_A is not None:
            self.regulation = 1
            return self.forced_current_A if self.terminal_V < 1.1 * self.nominal_V else 0.0
        source_A, sink_A = self.source_current_A * self.follows_share, self.sink_current_A * self.follows_share
        if self.excess_voltage_V:
            source_A = self.nominal_A
        volts = max(abs(self.terminal_V), 1.0)
        can_W = self.nominal_W * self.conversion.available_share
        high_A = min(source_A, min(self.source_power_W, can_W) / volts)
        low_A = -min(sink_A, min(self.sink_power_W, can_W) / volts)
        self.regulation = 0
        if needed_A > high_A:
            self.regulation = 1 if high_A == source_A else 2
        elif needed_A < low_A:
            self.regulation = 1 if -low_A == sink_A else 2
        target_A = min(max(needed_A, low_A), high_A)
        step_A = self.slew_A_per_s * dt_s
        before_A = self.current_A
        if target_A > max(before_A, 0.0):
            target_A = min(target_A, max(before_A, 0.0) + step_A)
        elif target_A < min(before_A, 0.0):
            target_A = max(target_A, min(before_A, 0.0) - step_A)
        return target_A

    @property
    def shown_V(self) -> float:
        """Its own measurement of the voltage at its terminals."""
        return shown(self.errors, "voltage", self.terminal_V)

    @property
    def shown_A(self) -> float:
        """Its own measurement of its current."""
        return shown(self.errors, "current", self.current_A)

    @property
    def effective_voltage_V(self) -> float:
        """What it regulates to."""
        return self.voltage_set_V + self.excess_voltage_V
