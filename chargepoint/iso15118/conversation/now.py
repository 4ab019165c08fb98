"""One instant on both clocks."""

from __future__ import annotations

from typing import NamedTuple


class Now(NamedTuple):
    """Both clocks at one instant: monotonic to decide, UTC for headers."""

    monotonic_s: float
    utc_s: int
