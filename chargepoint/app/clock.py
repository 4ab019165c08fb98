"""The real clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """CLOCK_MONOTONIC to decide, CLOCK_REALTIME in UTC to report."""

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)
