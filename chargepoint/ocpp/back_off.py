"""Back-off: how long to wait before the next attempt to connect. OCPP 2.0.1 Part 4, 5.3."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOffSettings:
    """RetryBackOffWaitMinimum, RetryBackOffRandomRange (seconds), RetryBackOffRepeatTimes; never above `most_s`."""

    wait_minimum_s: float
    random_range_s: float
    repeat_times: int
    most_s: float


class BackOff:
    """Doubles after every failure, `repeat_times` times at most, each time with a new random part."""

    def __init__(self) -> None:
        self._failures = 0

    def next_delay_s(self, settings: BackOffSettings, chance: float) -> float:
        """The wait before the next attempt; `chance` in [0, 1) is the random part."""
        doublings = min(self._failures, settings.repeat_times)
        self._failures += 1
        wait_s: float = settings.wait_minimum_s * 2.0**doublings
        return min(wait_s, settings.most_s) + chance * settings.random_range_s

    def connected(self) -> None:
        """The next failure starts from the minimum again."""
        self._failures = 0
