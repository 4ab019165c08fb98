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


def named_current_A(duty_percent: float) -> float | None:
    """The current per phase, in A, that this duty shows; None: it names none (digital communication, no PWM, or no code point).

    Source: IEC 61851-1 Table A.8: 8 to 10 % 6 A, to 85 % 0.6 A for each percent, to 96 % 2.5 A for each percent above 64, to 97 % 80 A
    (docs/sources/safety.md 2, grade B).
    """
    if not 8.0 <= duty_percent <= 97.0:
        return None
    return max(LEAST_A, 0.6 * duty_percent) if duty_percent <= 85.0 else min(80.0, 2.5 * (duty_percent - 64.0))
