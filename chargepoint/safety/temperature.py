"""The connector's temperature: which sensors can be believed, and how much current may flow without one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CONTACTS = ("DC+ contact", "DC- contact")
"""The first two sensors of the board's map: they must be there where a temperature is required."""

PLAUSIBLE_FROM_DEGC = -40.0
"""Colder than any charger works: a shorted sensor or a broken wire (own rule, grade D). There is no upper bound: a sensor
that reads too hot stops power, whatever the reason."""

SHARE_WITHOUT_ONE = 0.5
"""Of the rated current, while one of the two contact sensors is lost (own rule)."""


@dataclass(frozen=True, slots=True)
class Heat:
    """What the sensors give together. `doubt`: in words which sensor is lost; `lost`: in words that none is left."""

    hottest_degC: float | None = None
    share: float = 1.0
    doubt: str = ""
    lost: str = ""


def judge(temperatures_degC: Sequence[float | None], *, required: bool) -> Heat:
    """The hottest sensor that can be believed, and the share of the rated current that may flow.

    `temperatures_degC` in the board's order (`ports.PilotBoardState`), None where no sensor answers. `required` False: a
    charger without contact sensors; what is there still counts.
    """
    believed = [value for value in temperatures_degC if value is not None and value >= PLAUSIBLE_FROM_DEGC]
    hottest_degC = max(believed, default=None)
    contacts = [*temperatures_degC[:2], None, None][:2]
    lost = [
        f"{name} {_seen(value)}"
        for name, value in zip(CONTACTS, contacts, strict=True)
        if _is_lost(value) and (required or value is not None)
    ]
    if not lost:
        return Heat(hottest_degC)
    words = f"temperature sensors lost: {', '.join(lost)}; plausible is {PLAUSIBLE_FROM_DEGC:.0f} °C and more"
    if not required:
        return Heat(hottest_degC, doubt=words)
    if len(lost) == len(CONTACTS):
        return Heat(hottest_degC, 0.0, lost=words)
    return Heat(hottest_degC, SHARE_WITHOUT_ONE, doubt=words)


def _is_lost(value: float | None) -> bool:
    return value is None or not value >= PLAUSIBLE_FROM_DEGC  # what is no number is lost too


def _seen(value: float | None) -> str:
    return "absent" if value is None else f"at {value:.0f} °C"
