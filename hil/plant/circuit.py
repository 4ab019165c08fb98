"""The DC circuit: module terminal, output contactor, cable and inlet, car contactor, battery. Solved implicitly.

Two capacitive nodes (module side M, inlet side I) joined by the output contactor or the pre-charge resistor; the battery
hangs on I behind its resistance. Implicit Euler: stable at any step, however stiff.
"""

from __future__ import annotations

from dataclasses import dataclass

MODULE_F = 300e-6
INLET_F = 1e-6
BLEED_OHM = 50_000.0
CABLE_LEAK_OHM = 150_000.0
PRECHARGE_OHM = 100.0
DISCHARGE_OHM = 1_000.0
CAR_CONTACTOR_OHM = 0.002


@dataclass(slots=True)
class Circuit:
    """Voltages and currents after the last step. `battery_A` and `output_A` positive into the car."""

    module_V: float = 0.0
    inlet_V: float = 0.0
    output_A: float = 0.0
    battery_A: float = 0.0
    module_F: float = MODULE_F
    """Output capacity of the modules; a bench may set a small one, which charges and discharges faster."""
    leak_ohm: float | None = None
    """A load across the module's terminals: water in a connector, or a short circuit."""
    taken_W: float = 0.0
    """What capacitors, leaks, relays, cable and battery took in the last step, at the voltages after it: the modules gave it."""

    def needed_A(
        self, target_V: float, link_S: float, discharging: bool, battery_V: float, battery_S: float, dt_s: float
    ) -> float:
        """The module current that would bring the module terminal to `target_V` in this step."""
        offset, slope, module_S = self._reduced(link_S, discharging, battery_V, battery_S, dt_s)
        capacity = self.module_F / dt_s
        return (
            capacity * (target_V - self.module_V)
            + module_S * target_V
            + link_S * (target_V - offset - slope * target_V)
        )

    def step(
        self, module_A: float, link_S: float, discharging: bool, battery_V: float, battery_S: float, dt_s: float
    ) -> None:
        """Advance with this module current, conductance between the nodes, and battery behind its conductance."""
        offset, slope, module_S = self._reduced(link_S, discharging, battery_V, battery_S, dt_s)
        capacity = self.module_F / dt_s
        before_V, inlet_before_V = self.module_V, self.inlet_V
        self.module_V = (capacity * self.module_V + module_A + link_S * offset) / (
            capacity + module_S + link_S - link_S * slope
        )
        self.inlet_V = offset + slope * self.module_V
        self.output_A = link_S * (self.module_V - self.inlet_V)
        self.battery_A = battery_S * (self.inlet_V - battery_V)
        drop_V = self.module_V - self.inlet_V
        self.taken_W = (
            capacity * (self.module_V - before_V) * self.module_V
            + module_S * self.module_V**2
            + link_S * drop_V**2
            + INLET_F / dt_s * (self.inlet_V - inlet_before_V) * self.inlet_V
            + self.inlet_V**2 / CABLE_LEAK_OHM
            + self.inlet_V * self.battery_A
        )

    def _reduced(
        self, link_S: float, discharging: bool, battery_V: float, battery_S: float, dt_s: float
    ) -> tuple[float, float, float]:
        """Inlet voltage as offset + slope * module voltage, and the module side's own conductance."""
        capacity = INLET_F / dt_s
        total = capacity + link_S + 1 / CABLE_LEAK_OHM + battery_S
        offset = (capacity * self.inlet_V + battery_S * battery_V) / total
        module_S = 1 / BLEED_OHM + (1 / DISCHARGE_OHM if discharging else 0.0)
        if self.leak_ohm is not None:
            module_S += 1 / self.leak_ohm
        return offset, link_S / total, module_S
