"""Where the energy of each step went: what the modules gave must be in the battery, in the capacitors, or heat. A model that makes energy lies."""

from __future__ import annotations

from dataclasses import dataclass

TOLERATED_W = 0.5
"""Rounding of floats at some hundred kilowatts stays far below this."""


@dataclass(slots=True)
class EnergyCheck:
    """Call `step` after each step of the circuit; `worst_W` and `violations` say whether all went right."""

    worst_W: float = 0.0
    violations: int = 0

    def step(self, given_W: float, taken_W: float) -> None:
        """`given_W`: what sources gave; `taken_W`: what the battery, capacitors and resistances took, all positive that way."""
        missing_W = abs(given_W - taken_W)
        if missing_W > self.worst_W:
            self.worst_W = missing_W
        if missing_W > TOLERATED_W + 1e-6 * abs(given_W):
            self.violations += 1
