"""What a sensor shows beside the truth: a gain, an offset that grows, or the same value for ever."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SensorError:
    """`gain` multiplies at once; the offset grows by `per_s`, in the sensor's own unit, from zero. Call `step` as time passes."""

    gain: float = 1.0
    per_s: float = 0.0
    stuck: bool = False
    """Shows what it showed first for ever."""
    offset: float = 0.0
    _kept: float | None = None

    def step(self, dt_s: float) -> None:
        """Let the offset grow."""
        self.offset += self.per_s * dt_s

    def shown(self, true: float) -> float:
        """What the sensor shows for this true value."""
        if not self.stuck:
            return true * self.gain + self.offset
        if self._kept is None:
            self._kept = true
        return self._kept


Errors = dict[str, SensorError]
"""Of one device, by the name of the quantity. Empty: each quantity is shown as it is."""


def shown(errors: Errors, quantity: str, true: float) -> float:
    """What the device shows for a quantity."""
    error = errors.get(quantity)
    return true if error is None else error.shown(true)
