"""When the car leaves. Source: docs/sources/iso15118-2-din.md 7 (a car that sends DepartureTime 0)."""

from __future__ import annotations

from chargepoint.iso15118.conversation.situation import Situation


def departure_at_s(departure_s: int | None, at: Situation) -> float | None:
    """DepartureTime counts seconds from its message; the result is monotonic. Absent and 0: the car does not say when."""
    return at.now.monotonic_s + departure_s if departure_s else None
