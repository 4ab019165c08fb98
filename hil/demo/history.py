"""The last minutes of one EVSE as rows of block characters. A core: samples come in with their time as a number."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

SPAN_S = 120.0
HOLD_S = 1.0
_UP = " ▁▂▃▄▅▆▇█"
_DOWN = " ▔▀"


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one time; None where nothing was known. Positive power flows into the car."""

    at_s: float
    power_W: float | None
    setpoint_W: float | None
    soc_percent: float | None


class History:
    """Keeps `span_s` seconds of samples, at most `most` of them."""

    def __init__(self, span_s: float = SPAN_S, most: int = 2000) -> None:
        self.span_s = span_s
        self._samples: deque[Sample] = deque(maxlen=most)

    def add(self, sample: Sample) -> None:
        """Take a sample; older ones than the span fall out."""
        self._samples.append(sample)
        while self._samples[0].at_s < sample.at_s - self.span_s:
            self._samples.popleft()

    def row(self, quantity: str, cells: int) -> list[float | None]:
        """The mean of a `Sample` field in each of `cells` equal parts of the span, the newest last.

        A part without a sample repeats the one before it, at most HOLD_S long; None: nothing was known.
        """
        if not self._samples:
            return [None] * cells
        end_s = self._samples[-1].at_s
        parts: list[list[float]] = [[] for _ in range(cells)]
        for sample in self._samples:
            value = getattr(sample, quantity)
            place = cells - 1 - int((end_s - sample.at_s) / self.span_s * cells)
            if value is not None and place >= 0:
                parts[place].append(value)
        row: list[float | None] = []
        held, longest = 0, HOLD_S / self.span_s * cells
        for part in parts:
            held = 0 if part else held + 1
            repeated = row[-1] if row and held <= longest else None
            row.append(sum(part) / len(part) if part else repeated)
        return row


def block(value: float | None, full: float) -> str:
    """One character: a bar that grows from below for a positive value, and hangs from above for a negative one.

    `full` (above zero) is the value of a full bar. Nothing known: a space; zero: a dot.
    """
    if value is None:
        return " "
    share = max(-1.0, min(1.0, value / full))
    if abs(share) < 0.01:
        return "·"
    if share > 0:
        return _UP[max(1, round(share * (len(_UP) - 1)))]
    return _DOWN[1 if share > -0.3 else 2]
