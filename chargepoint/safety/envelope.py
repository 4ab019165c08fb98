"""The electrical envelope: how high voltage and current may ever be, and from which clause that follows."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.limits import PowerLimits

SAFE_VOLTAGE_V = 60.0
"""Below this the output counts as de-energised (IEC 61851-23; docs/sources/safety.md 1.1, grade B)."""

NO_CURRENT_A = 1.0
"""Contactors open only below this in a normal stop (docs/sources/safety.md 1.1 step 11, grade C)."""

TEST_VOLTAGE_TOLERANCE_V = 10.0
"""How near the cable check's voltage must come (docs/sources/safety.md 1.2, grade B)."""

PRE_CHARGE_CURRENT_A = 2.0
"""Limit while the output is brought up for cable check and pre-charge (docs/sources/safety.md 1.1, grade B/C)."""

PRE_CHARGE_TOLERANCE_V = 20.0
"""How near the car's voltage pre-charge must come (docs/sources/safety.md 1.1 step 8, grade B)."""

OVER_VOLTAGE_MARGIN_V = 5.0
"""How far above the car's maximum the output may be before that counts: half the regulation accuracy of +-10 V
(docs/sources/safety.md 1.2, grade B). So a module that regulates at the maximum does not trip on its own ripple."""

TEMPERATURE_STOP_DEGC = 90.0
TEMPERATURE_DERATE_DEGC = 80.0
"""Connector contacts (IEC 62196-1; docs/sources/safety.md 1.2, grade D)."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one EVSE may do at most, whatever its module can and the daemon demands: from the configuration.

    `limits` with a discharge power of 0: this EVSE never discharges.
    """

    limits: PowerLimits
    insulation_limit_ohm: float = 100_000.0
    """IEC 61851-23:2023 6.3.1.105: below is a fault (docs/sources/safety.md 1.2, grade B)."""

    insulation_reaction_s: float = 1.0
    """The monitor shows a fault of one pole within this (docs/sources/hardware.md 3: at most 1 s for up to 100 kohm)."""

    @property
    def voltage_max_V(self) -> float:
        """The rated voltage of the output."""
        return self.limits.voltage_max_V

    @property
    def current_max_A(self) -> float:
        """The rated current of the output, a magnitude."""
        return self.limits.current_max_A


def emergency_over_voltage_V(negotiated_V: float) -> float:
    """Over-voltage that must stop power within 10 ms, from min(car's maximum, EVSE's maximum).

    Source: IEC 61851-23 Table 103 (6.3.1.106.2), above 1000 V draft -23-3 Table 202 (docs/sources/safety.md 1.2, grade B).
    The 9 ms cut itself is hardware; this is the same bound seen again in software.
    """
    for up_to_V, trip_V in ((500.0, 550.0), (750.0, 825.0), (850.0, 935.0), (1000.0, 1100.0)):
        if negotiated_V <= up_to_V:
            return trip_V
    return 1375.0


def cable_check_voltage_V(car_max_V: float, evse_max_V: float) -> float:
    """Insulation test voltage (IEC 61851-23:2023 CC.4.1.2 formula CC.1; docs/sources/safety.md 1.2, grade B, «high»)."""
    if car_max_V <= 500.0:
        return min(500.0, car_max_V + 50.0, evse_max_V)
    return min(1.1 * car_max_V, evse_max_V)


def temperature_factor(temperature_degC: float | None) -> float:
    """Share of the current allowed at this contact temperature: 1 up to 80 °C, falling to 0 at 90 °C."""
    if temperature_degC is None or temperature_degC <= TEMPERATURE_DERATE_DEGC:
        return 1.0
    span = TEMPERATURE_STOP_DEGC - TEMPERATURE_DERATE_DEGC
    return max(0.0, (TEMPERATURE_STOP_DEGC - temperature_degC) / span)
