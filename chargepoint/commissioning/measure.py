"""A measured value with its limits, and the verdict of a step or an item. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class StepVerdict(Enum):
    """What came of it. `NOT_RUN` is neither good nor bad: the reason stands beside it."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Measure:
    """A value and the range it must be in, both ends included; an end that is None does not bound it."""

    name: str
    value: float | str | bool | None
    """None: there was nothing to measure."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    expected: str | bool | None = None
    """For values that are no numbers; None: any."""

    @property
    def good(self) -> bool:
        """Inside its limits. No value is not good; a number that is none (NaN) is not good either."""
        if self.value is None:
            return False
        if isinstance(self.value, float | int) and not isinstance(self.value, bool):
            over = self.low is not None and not self.value >= self.low
            under = self.high is not None and not self.value <= self.high
            return not over and not under and self.value == self.value
        return self.expected is None or self.value == self.expected

    @property
    def json_value(self) -> float | str | bool | None:
        """The value as JSON can carry it: a number that is none or infinite is no value."""
        endless = isinstance(self.value, float) and not math.isfinite(self.value)
        return None if endless else self.value

    @property
    def limit(self) -> str:
        """The limits in words; empty without any."""
        unit = f" {self.unit}" if self.unit else ""
        if self.expected is not None:
            return f"must be {shown(self.expected)}"
        if self.low is not None and self.high is not None:
            return f"{shown(self.low)} to {shown(self.high)}{unit}"
        if self.low is not None:
            return f"at least {shown(self.low)}{unit}"
        return "" if self.high is None else f"at most {shown(self.high)}{unit}"

    def __str__(self) -> str:
        value = "no value" if self.value is None else shown(self.value) + (f" {self.unit}" if self.unit else "")
        return f"{self.name} {value}" + (f" ({self.limit})" if self.limit else "")


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step or an item came to."""

    verdict: StepVerdict
    measures: tuple[Measure, ...] = ()
    reason: str = ""
    """Why it failed or did not run; empty where the measures say it."""
    broken_off: bool = False
    """It was ended before its own end: what was measured says nothing about the part."""


def judged(*measures: Measure, reason: str = "") -> StepResult:
    """Passed if every measure is good; `reason` is kept for one that is not."""
    good = all(measure.good for measure in measures)
    if not good and not reason:
        reason = "; ".join(str(measure) for measure in measures if not measure.good)
    return StepResult(StepVerdict.PASS if good else StepVerdict.FAIL, measures, "" if good else reason)


def failed(reason: str, *measures: Measure) -> StepResult:
    """It went wrong."""
    return StepResult(StepVerdict.FAIL, measures, reason)


def broken_off(reason: str) -> StepResult:
    """It was ended before its own end, and everything is at rest."""
    return StepResult(StepVerdict.FAIL, (), f"broken off: {reason}", broken_off=True)


def not_run(reason: str) -> StepResult:
    """It was not tried."""
    return StepResult(StepVerdict.NOT_RUN, (), reason)


def shown(value: float | str | bool | None) -> str:
    """As a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{value:.6g}"
