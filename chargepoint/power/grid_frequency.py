"""The grid's frequency as the power process believes it: the median of the last readings, and how old it may be. Pure.

A wrong reading must not move megawatts: one outlier among `MEDIAN_OF` readings changes nothing. Budget of the whole path:
0.2 to 0.3 s for a service of 0.7 s (docs/sources/safety.md 4.3).
"""

from __future__ import annotations

from collections import deque
from statistics import median

MEDIAN_OF = 3
MAX_AGE_S = 1.0
"""An older reading is none: a law then asks for no power (own rule)."""

PLAUSIBLE_HZ = (40.0, 70.0)
"""A reading outside is a fault of the meter, and no frequency (own rule)."""


class GridFrequency:
    """Call `note` for each new reading of a meter or module, `at` for the value that counts now."""

    def __init__(self) -> None:
        self._readings: deque[float] = deque(maxlen=MEDIAN_OF)
        self._taken_at_s: float | None = None

    def note(self, frequency_Hz: float | None, taken_at_s: float) -> None:
        """A reading in Hz and the monotonic second at which it was taken; None, or one that was noted before: nothing."""
        if frequency_Hz is None or taken_at_s == self._taken_at_s:
            return
        if not PLAUSIBLE_HZ[0] <= frequency_Hz <= PLAUSIBLE_HZ[1]:
            return
        if self._taken_at_s is not None and taken_at_s - self._taken_at_s > MAX_AGE_S:
            self._readings.clear()  # what was before the gap counts no more
        self._readings.append(frequency_Hz)
        self._taken_at_s = taken_at_s

    def at(self, now_s: float) -> float | None:
        """The median of the last readings in Hz; None while the youngest is older than `MAX_AGE_S`, or none was taken."""
        if self._taken_at_s is None or now_s - self._taken_at_s > MAX_AGE_S:
            return None
        return median(self._readings)
