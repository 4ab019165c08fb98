"""An island: one generator feeds the station and its neighbours, so that their power moves frequency and voltage.

With `f0` = 50 Hz, rated power `S`, inertia constant `H`, generator power `Pm`, load `Pl`:

* Swing: `df/dt = f0 / (2 H S) * (Pm - Pl - D S (f - f0) / f0)`, with `D` the load's own damping.
* Governor with droop: `Tg * dPm/dt = Pset - S (f - f0) / (R f0) - Pm`, and `0 <= Pm <= S`: a generator takes no power back.
* Voltage: `Tv * dV/dt = Vn (1 - Kv (Pl - Pset) / S) - V`.

`Pset` is the load at the moment at which the island begins, so it begins at rest. Beyond `TRIPS_BELOW_HZ` and `TRIPS_ABOVE_HZ` the generator
protects itself: the island is dark. Equations: textbooks on power systems (unverified here); figures: our own, of a small diesel set.
"""

from __future__ import annotations

from dataclasses import dataclass

NOMINAL_HZ = 50.0
TRIPS_BELOW_HZ, TRIPS_ABOVE_HZ = 45.0, 55.0
DROOP = 0.04
"""Share of the frequency that is lost from no load to full load."""
GOVERNOR_S = 0.5
DAMPING = 1.0
"""Per cent of load for each per cent of frequency."""
VOLTAGE_DROOP = 0.04
VOLTAGE_S = 0.2
SYNCHRONISING_HZ_PER_S = 0.2
SYNCHRONOUS_HZ = 0.02


@dataclass(slots=True)
class Island:
    """Advance with `step`. Powers in watts, of all phases; a load that gives power is negative."""

    rated_W: float
    set_W: float
    inertia_s: float = 2.0
    nominal_V: float = 230.0
    frequency_Hz: float = NOMINAL_HZ
    voltage_V: float = 230.0
    generator_W: float = 0.0
    dark: bool = False
    """The generator has tripped."""
    leaving: bool = False
    """The generator is being synchronised with the grid."""

    @classmethod
    def begin(cls, rated_W: float, load_W: float, voltage_V: float, nominal_V: float, inertia_s: float) -> Island:
        """An island at rest: the generator gives what is taken now, as far as it can."""
        given_W = min(max(load_W, 0.0), rated_W)
        return cls(rated_W, given_W, inertia_s, nominal_V, voltage_V=voltage_V, generator_W=given_W)

    @property
    def synchronous(self) -> bool:
        """It may be joined with the grid now."""
        return self.dark or abs(self.frequency_Hz - NOMINAL_HZ) <= SYNCHRONOUS_HZ

    def step(self, load_W: float, dt_s: float) -> None:
        """One step of at most some 10 ms with this load."""
        if self.dark:
            self.voltage_V = 0.0
            return
        off = (self.frequency_Hz - NOMINAL_HZ) / NOMINAL_HZ
        excess_W = self.generator_W - load_W - DAMPING * self.rated_W * off
        self.frequency_Hz += NOMINAL_HZ / (2.0 * self.inertia_s * self.rated_W) * excess_W * dt_s
        wanted_W = self.set_W - self.rated_W * off / DROOP
        self.generator_W += (wanted_W - self.generator_W) * dt_s / GOVERNOR_S
        self.generator_W = min(max(self.generator_W, 0.0), self.rated_W)
        if self.leaving:  # the synchroniser moves the governor's set-point until the frequencies meet
            self.set_W -= off / abs(off or 1.0) * self.rated_W * SYNCHRONISING_HZ_PER_S / NOMINAL_HZ / DROOP * dt_s
        goal_V = self.nominal_V * (1.0 - VOLTAGE_DROOP * (load_W - self.set_W) / self.rated_W)
        self.voltage_V += (goal_V - self.voltage_V) * dt_s / VOLTAGE_S
        self.dark = not TRIPS_BELOW_HZ <= self.frequency_Hz <= TRIPS_ABOVE_HZ
