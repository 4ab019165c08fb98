"""One instant on both clocks: monotonic to decide, UTC to report. The two are never mixed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Instant:
    """`monotonic_s`: seconds of CLOCK_MONOTONIC, which never jump. `utc`: aware UTC, which may."""

    monotonic_s: float
    utc: datetime
