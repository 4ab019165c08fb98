"""The end of a charge at the car's maximum voltage, or a car that opened its contactors: what came first shows which of them."""

from __future__ import annotations

from chargepoint.safety.envelope import NO_CURRENT_A, OVER_VOLTAGE_MARGIN_V, Envelope


def nothing_A(envelope: Envelope) -> float:
    """Below this magnitude nothing flows; a big module's zero is not exact (2 % of the rating, own rule)."""
    return max(NO_CURRENT_A, 0.02 * envelope.current_max_A)


class ChargeEnd:
    """Keeps for one EVSE whether the voltage stood at its limit before the current was gone.

    A full battery lets the current fade while the output stands at the limit; where the car's contactors open, the current
    is gone at once and the voltage rises after it. Call `step` each cycle; None is what is not known.
    """

    def __init__(self) -> None:
        self._faded = False

    def step(
        self,
        envelope: Envelope,
        limit_V: float,
        voltage_V: float | None,
        current_A: float | None,
        asked_A: float,
    ) -> bool:
        """True while a current that is asked for may be missing because the battery is full.

        `limit_V` is the highest output voltage while charging; 0: not known, the EVSE's own maximum counts. At the limit:
        to the accuracy of a module's regulation (10 V: docs/sources/safety.md 1.2, grade B).
        """
        limit_V = min(limit_V or envelope.voltage_max_V, envelope.voltage_max_V)
        if voltage_V is None or current_A is None or voltage_V < limit_V - 2 * OVER_VOLTAGE_MARGIN_V:
            self._faded = False
        elif abs(current_A) >= nothing_A(envelope) or asked_A < nothing_A(envelope):
            self._faded = True
        return self._faded
