"""The current rating of a cable that a driver brings, from the resistor in its plug. Pure."""

from __future__ import annotations

FROM_OHM = ((1000.0, 13.0), (330.0, 20.0), (150.0, 32.0), (0.0, 63.0))
"""At this resistance and above, this current in A. The resistors are 1500, 680, 220 and 100 ohm (IEC 61851-1 Annex B, grade D); a
value between two of them counts as the weaker cable (own rule)."""


def cable_rating_A(proximity_ohm: float | None) -> float:
    """RMS current of each phase in A; 0 while nothing is plugged, or the resistance is not known.

    A contact that is short or open has a row of its own in the interlock table.
    """
    if proximity_ohm is None:
        return 0.0
    return next(current_A for from_ohm, current_A in FROM_OHM if proximity_ohm >= from_ohm)
