"""The control pilot as a circuit: generator behind 1 kΩ, the car's diode and resistors (IEC 61851-1 Annex A).

Source: docs/sources/safety.md 2. Car: 2740 Ω in B, plus 1300 Ω parallel in C, 270 Ω for D.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

_SERIES_OHM = 1000.0
_DIODE_V = 0.7
CAR_OHM = {
    "A": float("inf"),
    "B": 2740.0,
    "C": 1 / (1 / 2740.0 + 1 / 1300.0),
    "D": 1 / (1 / 2740.0 + 1 / 270.0),
    "E": 0.0,
}


class Generator(IntEnum):
    """What the board drives; numbers of the generic IO map, register 101."""

    F = 0
    E = 1
    X1 = 2
    PWM = 3


class PilotState(IntEnum):
    """What the board detects; numbers of the generic IO map, register 5."""

    UNKNOWN = 0
    A = 1
    B = 2
    C = 3
    D = 4
    E = 5
    F = 6


@lru_cache(maxsize=64)  # asked for each step, of few different circuits
def levels_V(generator: Generator, car: str, diode: bool) -> tuple[float, float]:
    """(high, low) seen by the board; without PWM both are the same level."""
    load_ohm = CAR_OHM[car]

    def behind(source_V: float) -> float:
        if load_ohm == float("inf"):
            return source_V
        if load_ohm == 0.0:  # a short circuit to protective earth: no diode is in its way
            return 0.0
        drop_V = _DIODE_V if diode else 0.0
        if source_V <= drop_V:
            return source_V if diode else source_V * load_ohm / (load_ohm + _SERIES_OHM)
        return drop_V + (source_V - drop_V) * load_ohm / (load_ohm + _SERIES_OHM)

    match generator:
        case Generator.F:
            return behind(-12.0), behind(-12.0)
        case Generator.E:
            return 0.0, 0.0
        case Generator.X1:
            return behind(12.0), behind(12.0)
        case Generator.PWM:
            return behind(12.0), behind(-12.0)


@lru_cache(maxsize=64)
def detect(generator: Generator, high_V: float) -> PilotState:
    """The state for the high level, bands of docs/sources/safety.md 2."""
    if generator is Generator.F:
        return PilotState.F
    if generator is Generator.E:
        return PilotState.E
    bands = (
        (10.5, 13.0, PilotState.A),
        (7.5, 10.5, PilotState.B),
        (4.5, 7.5, PilotState.C),
        (1.5, 4.5, PilotState.D),
        (-1.5, 1.5, PilotState.E),
    )
    return next((state for low, high, state in bands if low <= high_V < high), PilotState.UNKNOWN)
