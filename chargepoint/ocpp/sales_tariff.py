"""SalesTariff of a charging schedule: how dear energy is over time, in levels, for cars of ISO 15118-2.

Source: OCPP 2.0.1 Part 2, SalesTariffType and K15.FR.07. ConsumptionCost is not followed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from chargepoint.model.forecast import TariffPiece
from chargepoint.ocpp.schemas import Payload

LEVEL_MAX = 255
"""EPriceLevel of ISO 15118-2 is an unsigned byte."""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """From `start_s` after the schedule's start until the next step. `level`: 0 is the cheapest."""

    start_s: float
    level: int


@dataclass(frozen=True, slots=True)
class SalesTariffSteps:
    """The steps one after the other, and where the last one ends (s after the schedule's start); inf: with the schedule."""

    steps: tuple[PriceStep, ...]
    end_s: float

    def pieces(self, begin_s: float, until_s: float) -> tuple[TariffPiece, ...]:
        """As the forecast takes them. `begin_s`: the schedule's start; `until_s`: its end; both on the clock of the result."""
        end_s = min(until_s, begin_s + self.end_s)
        return tuple(
            TariffPiece(begin_s + step.start_s, level=step.level, until_s=end_s)
            for step in self.steps
            if begin_s + step.start_s < end_s
        )


def read_sales_tariff(raw: Payload) -> SalesTariffSteps:
    """A SalesTariffType that fits its schema. Raises ValueError with what is wrong: the first start is 0, starts rise, there are no gaps,
    and each entry has a level."""
    entries: Sequence[Payload] = raw["salesTariffEntry"]
    steps, ends_s = [], []
    for number, entry in enumerate(entries):
        interval, level = entry["relativeTimeInterval"], entry.get("ePriceLevel")
        if level is None or not 0 <= level <= LEVEL_MAX:
            raise ValueError(f"salesTariffEntry {number}: ePriceLevel {level}: 0 to {LEVEL_MAX}")
        duration_s = interval.get("duration")
        if duration_s is not None and duration_s <= 0:
            raise ValueError(f"salesTariffEntry {number}: duration {duration_s} s: above 0")
        steps.append(PriceStep(float(interval["start"]), level))
        ends_s.append(None if duration_s is None else interval["start"] + duration_s)
    if steps[0].start_s != 0:
        raise ValueError(f"the first start of salesTariff is {steps[0].start_s:g}: it must be 0")
    for number, (one, other) in enumerate(itertools.pairwise(steps)):
        if other.start_s <= one.start_s:
            raise ValueError(f"salesTariffEntry {number + 1}: start must rise")
        if ends_s[number] not in (None, other.start_s):
            raise ValueError(
                f"salesTariffEntry {number}: it ends at {ends_s[number]} s, the next one begins at {other.start_s:g} s"
            )
    last_s = ends_s[-1]
    return SalesTariffSteps(tuple(steps), float("inf") if last_s is None else float(last_s))
