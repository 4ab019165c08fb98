"""Temperatures: which sensors can be believed, and how much current may flow at them. Less current comes before the end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CONTACTS = ("DC+ contact", "DC- contact")
AC_CONTACTS = ("first contact", "second contact")
"""The first two sensors of the board's map, by kind of outlet: they must be there where a temperature is required."""

PLAUSIBLE_FROM_DEGC = -40.0
"""Colder than any charger works: a shorted sensor or a broken wire (own rule, grade D). There is no upper bound: a sensor
that reads too hot stops power, whatever the reason."""

SHARE_WITHOUT_ONE = 0.5
"""Of the rated current, while one of the two contact sensors is lost (own rule)."""


CABINET = 3
"""The place of the cabinet's sensor in the board's map; the others are at the connector and its cable."""

SHARE_WITHOUT_FAN = 0.5
"""Of the rated current, while a fan reports a fault (own rule, grade D)."""


@dataclass(frozen=True, slots=True)
class HeatBounds:
    """From `derate` on less current flows, at `stop` none, in °C. Grade D: from the configuration."""

    module_derate_degC: float = 70.0
    module_stop_degC: float = 85.0
    cabinet_derate_degC: float = 55.0
    cabinet_stop_degC: float = 70.0

    def share(self, module_degC: float | None, cabinet_degC: float | None) -> float:
        """Of the rated current, that may flow at these temperatures; one that is not known does not count."""
        return min(
            _share(module_degC, self.module_derate_degC, self.module_stop_degC),
            _share(cabinet_degC, self.cabinet_derate_degC, self.cabinet_stop_degC),
        )


def _share(seen_degC: float | None, derate_degC: float, stop_degC: float) -> float:
    if seen_degC is None:
        return 1.0
    if seen_degC >= stop_degC:
        return 0.0
    return 1.0 if seen_degC <= derate_degC else max(0.0, (stop_degC - seen_degC) / (stop_degC - derate_degC))


@dataclass(frozen=True, slots=True)
class Heat:
    """What the sensors give together. `doubt`: in words which sensor is lost; `lost`: in words that none is left."""

    hottest_degC: float | None = None
    """Of the connector and its cable."""
    cabinet_degC: float | None = None
    share: float = 1.0
    doubt: str = ""
    lost: str = ""


def judge(temperatures_degC: Sequence[float | None], *, required: bool, names: tuple[str, str] = CONTACTS) -> Heat:
    """The hottest sensor that can be believed, and the share of the rated current that may flow.

    `temperatures_degC` in the board's order (`ports.IoState`), None where no sensor answers. `required` False: a
    charger without contact sensors; what is there still counts. `names`: of the contacts, for people.
    """
    believed = [None if _is_lost(value) else value for value in temperatures_degC]
    hottest_degC = max((v for place, v in enumerate(believed) if v is not None and place != CABINET), default=None)
    cabinet_degC = believed[CABINET] if len(believed) > CABINET else None
    contacts = [*temperatures_degC[:2], None, None][:2]
    lost = [
        f"{name} {_seen(value)}"
        for name, value in zip(names, contacts, strict=True)
        if _is_lost(value) and (required or value is not None)
    ]
    if not lost:
        return Heat(hottest_degC, cabinet_degC)
    words = f"temperature sensors lost: {', '.join(lost)}; plausible is {PLAUSIBLE_FROM_DEGC:.0f} °C and more"
    if not required:
        return Heat(hottest_degC, cabinet_degC, doubt=words)
    if len(lost) == len(names):
        return Heat(hottest_degC, cabinet_degC, 0.0, lost=words)
    return Heat(hottest_degC, cabinet_degC, SHARE_WITHOUT_ONE, doubt=words)


def _is_lost(value: float | None) -> bool:
    return value is None or not value >= PLAUSIBLE_FROM_DEGC  # what is no number is lost too


def _seen(value: float | None) -> str:
    return "absent" if value is None else f"at {value:.0f} °C"
