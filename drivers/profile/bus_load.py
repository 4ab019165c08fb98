"""How much of a serial bus' time the polling of a device takes: an estimate from baud rate, lengths and usual pauses.

Set-points come on top: they are written when they change. Above `FULL_SHARE` polls begin to wait for each other, and a lost reply
costs everybody a poll.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from drivers.modbus.frame import BITS
from drivers.profile.schema import DeviceProfile

FULL_SHARE = 0.6
"""Of a bus' time (own rule): the rest is for set-points, time-outs and repeats."""


class Exchange(NamedTuple):
    """One request with its reply: bytes, how often, the device's usual pause and the silence before the request."""

    request_bytes: int
    reply_bytes: int
    every_s: float
    reply_s: float
    gap_s: float = 0.0


def exchanges_share(exchanges: Iterable[Exchange], baud: int, format: str) -> float:
    """The share of the bus' time, 1.0 for all of it and more where it cannot be done."""
    char_s = BITS[format] / baud
    silence_s = max(3.5 * char_s, 0.00175)
    return sum(
        ((e.request_bytes + e.reply_bytes) * char_s + e.reply_s + e.gap_s + silence_s) / e.every_s for e in exchanges
    )


def profile_share(profile: DeviceProfile, baud: int, format: str) -> float:
    """Of all cyclic reads of a profile."""
    timing = profile.timing
    return exchanges_share(
        (
            Exchange(8, 5 + 2 * block.count, block.every_s, timing.reply_s, timing.gap_s)
            for block in profile.blocks.values()
            if block.every_s is not None
        ),
        baud,
        format,
    )
