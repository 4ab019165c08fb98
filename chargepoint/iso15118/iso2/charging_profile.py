"""The car's ChargingProfile: what it promises to do within the schedule. A car without one may take what the schedule allows.

Source: docs/sources/iso15118-2-din.md 1.2 («Schedules»).
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Refusal
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import PowerDeliveryReq, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.iso15118.steps.power_profile import AgreedProfile, outside, pieces_until_next
from chargepoint.iso15118.steps.schedule import DAY_S


def agreed(request: PowerDeliveryReq, session: Iso2Session, at: Situation) -> AgreedProfile | None:
    """The profile from now on, or None without one. ChargingProfileEntryStart counts from now, and each entry ends at the next one.

    The last entry ends with the schedule. An entry that does not come after the one before counts for nothing.
    """
    if request.ChargingProfile is None:
        return None
    entries = [
        (entry.ChargingProfileEntryStart, number(entry.ChargingProfileEntryMaxPower))
        for entry in request.ChargingProfile.ProfileEntry
    ]
    left_s = DAY_S if session.schedule is None else int(session.schedule.end_utc_s) - at.now.utc_s
    pieces = pieces_until_next(entries, left_s)
    return AgreedProfile(request.SAScheduleTupleID, at.now.utc_s, pieces)


def refused(request: PowerDeliveryReq, profile: AgreedProfile | None, session: Iso2Session) -> Refusal | None:
    """FAILED_TariffSelectionInvalid for a tuple that was not offered ([479]), FAILED_ChargingProfileInvalid for a profile that leaves it
    ([224], [478]). After both the car may send another one.

    Cars count from the schedule's begin or from this request, so a profile is refused only where both readings leave the schedule.
    """
    offer = session.schedule
    assert offer is not None
    if request.SAScheduleTupleID != offer.tuple_id:
        why = f"it selects schedule tuple {request.SAScheduleTupleID}, offered was {offer.tuple_id}"
        return Refusal(ResponseCode.FAILED_TariffSelectionInvalid, why)
    if profile is None or (why_not := outside(profile, offer)) is None:
        return None
    if outside(replace(profile, anchor_utc_s=offer.anchor_utc_s), offer) is None:
        return None
    return Refusal(ResponseCode.FAILED_ChargingProfileInvalid, why_not)
