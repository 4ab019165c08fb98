"""How the power process's loop measures time and waits: the clocks of the computer, or those of a bench in virtual time."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from chargepoint.power.lateness import suspended_s


def wait_readable(descriptors: Sequence[int], at_most_s: float) -> Collection[int]:
    """The readable ones, as soon as there is one; nothing after `at_most_s`. Not `poll`, whose time-outs are whole milliseconds:
    each of its early returns would be a turn of the loop for nothing. Raises OSError for a descriptor that died."""
    return select.select(descriptors, (), (), at_most_s)[0]


@dataclass(frozen=True, slots=True)
class CycleTime:
    """Without arguments: this computer's clocks."""

    now: Callable[[], float] = time.monotonic
    """Seconds that never jump. Its readings decide."""
    stopwatch: Callable[[], float] = time.perf_counter
    """Seconds, for what the present turn of the loop has taken so far."""
    suspended: Callable[[], float] = suspended_s
    """Seconds for which the computer was suspended since it started."""
    wait: Callable[[Sequence[int], float], Collection[int]] = wait_readable
    """The readable descriptors out of these, after these seconds at most."""
    pause: Callable[[float], None] = time.sleep
    """Do nothing for these seconds."""


SYSTEM_TIME = CycleTime()
