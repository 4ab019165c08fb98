"""Setpoints that are laws: power as a function of what the power process measures itself."""

from __future__ import annotations

from bisect import bisect_right

from chargepoint.model.demand import FrequencyWattLaw


def power_W(law: FrequencyWattLaw, frequency_Hz: float | None) -> float | None:
    """Baseline plus the curve at this frequency, end values held outside it; None where the frequency is not known.

    Source: OCPP 2.1 Q08.FR.06 as in docs/sources/ocpp.md 7.1.
    """
    if frequency_Hz is None:
        return None
    frequencies = [f for f, _ in law.points]
    if frequency_Hz <= frequencies[0]:
        return law.baseline_W + law.points[0][1]
    if frequency_Hz >= frequencies[-1]:
        return law.baseline_W + law.points[-1][1]
    upper = bisect_right(frequencies, frequency_Hz)
    (f0, p0), (f1, p1) = law.points[upper - 1], law.points[upper]
    return law.baseline_W + p0 + (p1 - p0) * (frequency_Hz - f0) / (f1 - f0)
