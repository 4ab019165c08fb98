"""What the control pilot's duty cycle says to a car without digital communication. Pure."""

from __future__ import annotations

LEAST_A = 6.0
"""The pilot can name no smaller current (docs/sources/safety.md 2, grade B)."""


def duty_percent(current_A: float) -> float:
    """The duty that shows this current per phase, in A, to a car without digital communication; 100 (no PWM) below 6 A.

    Source: IEC 61851-1 Table A.7: up to 51 A 0.6 A for each percent, above 2.5 A; 51 to 52.5 A has no code point and is shown as
    51 A; at most 80 A (docs/sources/safety.md 2, grade B).
    """
    if current_A < LEAST_A:
        return 100.0
    if current_A <= 52.5:
        return min(current_A, 51.0) / 0.6
    return min(current_A, 80.0) / 2.5 + 64.0
