"""The car's EVPowerProfile: what it promised to do within the schedule it chose. Times in UTC seconds and seconds."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.schedule_offer import ScheduleOffer

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


def outside(profile: AgreedProfile, offer: ScheduleOffer) -> str | None:
    """Why this profile leaves the offered schedule, entry by entry and across the borders of entries; None if it does not.

    The part of the profile that has passed before the offer begins, and the part after the offer ends, is not held against it.
    """
    start_s = float(profile.anchor_utc_s)
    for number, (duration_s, power_W) in enumerate(profile.entries, 1):
        begin_s, end_s = max(start_s, offer.anchor_utc_s), min(start_s + duration_s, offer.end_utc_s)
        start_s += duration_s
        if begin_s >= end_s:
            continue
        least = offer.least_between(begin_s, end_s)
        if least is None:
            continue
        charge_W, discharge_W = least
        if power_W > charge_W * TOLERANCE + SLACK_W or power_W < -discharge_W * TOLERANCE - SLACK_W:
            return f"entry {number} of its profile has {power_W:.0f} W, the schedule allows -{discharge_W:.0f} to {charge_W:.0f} W"
    return None
