"""The car's EVPowerProfile: what it promised to do within the schedule it chose. Times in UTC seconds and seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chargepoint.model.schedule_offer import ScheduleOffer, Span, overlapping

TOLERANCE = 1.01
"""A profile may exceed the schedule by one in a hundred: RationalNumbers of both sides are rounded."""

SLACK_W = 50.0
"""And by this, so that «0 W» does not become a trap."""


@dataclass(frozen=True, slots=True)
class AgreedProfile:
    """The EVPowerProfile the car sent: (duration_s, power_W) one after the other; power signed, positive into the car."""

    tuple_id: int
    anchor_utc_s: int
    entries: tuple[tuple[int, float], ...]

    def power_at(self, utc_s: float) -> float | None:
        """What the car planned for this moment, in W; None outside the profile."""
        start_s = float(self.anchor_utc_s)
        if utc_s < start_s:
            return None
        for duration_s, power_W in self.entries:
            if utc_s < start_s + duration_s:
                return power_W
            start_s += duration_s
        return None


def pieces_until_next(entries: Sequence[tuple[int, float]], end_s: int) -> tuple[tuple[int, float], ...]:
    """(duration_s, power_W) of entries that name the second at which they begin: each ends where the next one begins.

    The last one ends at `end_s`. Before the first one nothing is planned. An entry that does not come after the one before counts
    for nothing.
    """
    starts = [start_s for start_s, _ in entries]
    ends = [*starts[1:], max(end_s, starts[-1] + 1)]
    pieces = [
        (stop_s - start_s, power_W)
        for (start_s, power_W), stop_s in zip(entries, ends, strict=True)
        if stop_s > start_s
    ]
    return ((starts[0], 0.0), *pieces) if starts[0] > 0 else tuple(pieces)


def outside(profile: AgreedProfile, offer: ScheduleOffer) -> str | None:
    """Why this profile leaves the offered schedule, entry by entry and across the borders of entries; None if it does not.

    The part of the profile that has passed before the offer begins, and the part after the offer ends, is not held against it.
    """
    for (number, power_W), piece in overlapping(_entries(profile), offer.spans()):
        charge_W, discharge_W = piece.charge_W, piece.discharge_W
        if power_W > charge_W * TOLERANCE + SLACK_W or power_W < -discharge_W * TOLERANCE - SLACK_W:
            return f"entry {number} of its profile has {power_W:.0f} W, the schedule allows -{discharge_W:.0f} to {charge_W:.0f} W"
    return None


def _entries(profile: AgreedProfile) -> Iterator[Span[tuple[int, float]]]:
    """The number and the power (W) of each entry, with its begin and its end."""
    start_s = float(profile.anchor_utc_s)
    for number, (duration_s, power_W) in enumerate(profile.entries, 1):
        yield start_s, start_s + duration_s, (number, power_W)
        start_s += duration_s
