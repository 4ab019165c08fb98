"""What the answer to an accepted charging profile says besides: what is cut, what is ignored, what a negative limit means.

A profile that is taken and followed as it stands has no remarks. The wire has room for a few, so the first ones count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chargepoint.model.status import EvseState
from chargepoint.ocpp.charging_schedule import VENDOR_ID, Profile
from chargepoint.ocpp.composite import ProfileSituation, watts_per_unit
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s

REMARKS_MAX = 4


def remarks(raw: Payload, profile: Profile, evses: Sequence[EvseState], utc_s: float) -> str:
    """One sentence for each remark on `profile`, as read from `raw`, at these EVSEs; "" where there is nothing to say."""
    found = (*_not_yet(profile, utc_s), *_ignored(raw), *_negative_limits(raw, profile))
    return _joined((*found, *_cuts(profile, evses), *_obstacles(profile, evses)))


def remarks_on_update(profile: Profile, evses: Sequence[EvseState]) -> str:
    """The same on new values of an installed profile."""
    return _joined((*_cuts(profile, evses), *_obstacles(profile, evses)))


def _joined(sentences: Sequence[str]) -> str:
    found = list(dict.fromkeys(sentences))
    more = len(found) - REMARKS_MAX
    return "; ".join([*found[:REMARKS_MAX], *([f"and {more} more"] if more > 0 else [])])


def _not_yet(profile: Profile, utc_s: float) -> Iterator[str]:
    """A schedule of the future, or one of now by another clock than the station's."""
    begins_s = max(profile.valid_from_s, profile.start_s or 0.0)
    if min(begins_s, profile.taken_s) > utc_s:
        yield f"it begins in {begins_s - utc_s:.0f} s: it is {to_wire(utc_from_s(utc_s))} at this station"


def _obstacles(profile: Profile, evses: Sequence[EvseState]) -> Iterator[str]:
    """Why the car gives nothing now, where the profile asks it to. A car that has not agreed is a refusal, not a remark."""
    if any((period.setpoint or 0.0) < 0 for period in profile.periods):
        for evse in evses:
            obstacle = ProfileSituation(evse, True, 1, 0.0).obstacle_to_discharge if evse.car is not None else ""
            if obstacle:
                yield f"EVSE {evse.evse_id} does not discharge now: {obstacle}"


def _ignored(raw: Payload) -> Iterator[str]:
    schedules = raw["chargingSchedule"]
    for place, holder in (("chargingProfile", raw), *(("chargingSchedule", schedule) for schedule in schedules)):
        if (custom := holder.get("customData")) is not None:
            yield f"customData of {place} is ignored: fields of {VENDOR_ID} stand in chargingSchedulePeriod{_of(custom)}"
    for schedule in schedules:
        for number, period in enumerate(schedule["chargingSchedulePeriod"]):
            custom = period.get("customData")
            if custom is not None and custom.get("vendorId") != VENDOR_ID:
                yield f"period {number}: customData is ignored: this station reads vendorId {VENDOR_ID}{_of(custom)}"


def _of(custom: Payload) -> str:
    vendor = custom.get("vendorId")
    return "" if vendor == VENDOR_ID else f", not {str(vendor)[:60]}"


def _negative_limits(raw: Payload, profile: Profile) -> Iterator[str]:
    given = raw["chargingSchedule"][0]["chargingSchedulePeriod"]
    for number, (wire, period) in enumerate(zip(given, profile.periods, strict=True)):
        if wire["limit"] < 0:
            read = "a set-point" if period.setpoint is not None else "a dischargeLimit, and the car is not charged"
            yield f"period {number}: limit {wire['limit']:g} is read as {read} (variable NegativeLimitMeaning)"


def _cuts(profile: Profile, evses: Sequence[EvseState]) -> Iterator[str]:
    for number, period in enumerate(profile.periods):
        if period.setpoint is None:
            continue
        for evse in evses:
            asked_W = period.setpoint * watts_per_unit(profile, period, evse)
            given_W, who = _within(asked_W, evse)
            if abs(given_W - asked_W) >= 1.0:
                yield f"period {number}: set-point {asked_W:.0f} W is cut to {given_W:.0f} W, {who} of EVSE {evse.evse_id}"


def _within(asked_W: float, evse: EvseState) -> tuple[float, str]:
    """(what EVSE and car can do of it now, whose bound that is)."""
    given_W, who = max(-evse.discharge_max_W, min(asked_W, evse.charge_max_W)), "the rating"
    if evse.car is None:
        return given_W, who
    car = evse.car.limits
    by_car_W = max(-car.discharge_power_max_W, min(given_W, car.charge_power_max_W))
    return (given_W, who) if by_car_W == given_W else (by_car_W, "the limit of the car at present")
