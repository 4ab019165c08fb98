"""K Smart charging: profiles set, cleared, reported; the composite schedule."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer, Outgoing, status
from chargepoint.ocpp.charging_schedule import VENDOR_ID, OperationMode, ProfileRejected
from chargepoint.ocpp.composite import NOMINAL_AC_V, NOMINAL_DC_V, Step, planned, situation
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s

PAGE_BYTES = 32_768
"""Profiles in one ReportChargingProfiles, except where a single one is longer."""

MAX_DURATION_S = 14 * 86_400


def set_charging_profile(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """K01 to K04. On the disk before it is accepted (K01.FR.27)."""
    try:
        change = context.profiles.install(
            request["evseId"], request["chargingProfile"], context.port.evse_states(), now
        )
    except ProfileRejected as error:
        return CallAnswer(status("Rejected", error.reason_code, error.text))
    return CallAnswer.changing(status("Accepted"), change)


def clear_charging_profile(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """K10."""
    criteria = request.get("chargingProfileCriteria", {})
    change = context.profiles.clear(
        request.get("chargingProfileId"),
        criteria.get("evseId"),
        criteria.get("chargingProfilePurpose"),
        criteria.get("stackLevel"),
    )
    if change is None:
        return CallAnswer(status("Unknown"))  # K10.FR.01, FR.08, FR.09
    return CallAnswer.changing(status("Accepted"), change)


def get_charging_profiles(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """K09."""
    found = context.profiles.report(request.get("evseId"), request["chargingProfile"])
    if not found:
        return CallAnswer(status("NoProfiles"))
    pages = [(evse_id, page) for evse_id, profiles in found.items() for page in _pages(profiles)]
    reports = (
        Outgoing(
            "ReportChargingProfiles",
            {
                "requestId": request["requestId"],  # K09.FR.01
                "chargingLimitSource": "CSO",
                "evseId": evse_id,
                "chargingProfile": page,
                "tbc": number < len(pages) - 1,  # K09.FR.02
            },
        )
        for number, (evse_id, page) in enumerate(pages)
    )
    return CallAnswer(status("Accepted"), then=tuple(reports))


def _pages(profiles: list[Payload]) -> Iterator[list[Payload]]:
    page: list[Payload] = []
    room = PAGE_BYTES
    for profile in profiles:
        size = len(json.dumps(profile))
        if page and size > room:
            yield page
            page, room = [], PAGE_BYTES
        page.append(profile)
        room -= size
    yield page


def get_composite_schedule(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """K08. Over 2.0.1 `limit` is what may be charged, never negative; discharge and set-point go in customData."""
    evse_id, duration_s = request["evseId"], request["duration"]
    evses = context.port.evse_states()
    chosen = [e for e in evses if evse_id in (0, e.evse_id)]
    if not chosen:
        return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))  # K08.FR.05
    if not 0 < duration_s <= MAX_DURATION_S:
        return CallAnswer(status("Rejected", "ValueOutOfRange", f"duration {duration_s} s: 1 to {MAX_DURATION_S}"))
    unit = request.get("chargingRateUnit", "W")
    start_s = math.floor(now.utc_s)
    situations = [situation(e, evses, context.profiles.discharge_permitted(e.transaction_id), now) for e in chosen]
    plan, end_s = planned(context.profiles.installed, situations, float(start_s), float(start_s + duration_s))
    duration_s = math.floor(end_s - start_s)  # shorter than asked where the profiles change very often
    watts = 1.0
    if unit == "A":
        # K08.FR.03: EVSE 0 is the grid connection, three phases of it.
        watts = 3 * NOMINAL_AC_V if evse_id == 0 else chosen[0].voltage_V or NOMINAL_DC_V
    return CallAnswer(
        {
            "status": "Accepted",
            "schedule": {
                "evseId": evse_id,
                "duration": duration_s,
                "scheduleStart": to_wire(utc_from_s(start_s)),
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": _periods(plan, start_s, duration_s, watts),
            },
        }
    )


def _periods(plan: list[Step], start_s: int, duration_s: int, watts: float) -> list[Payload]:
    """Whole seconds, rounded so that no second promises more than the plan allows in any part of it."""
    periods: list[Payload] = []
    for at_s, limits, setpoint_W in plan:
        limit = math.floor(max(0.0, limits.high) / watts * 10) / 10  # one decimal, downwards
        falling = bool(periods) and limit < periods[-1]["limit"]
        offset = max(0, (math.floor if falling else math.ceil)(at_s - start_s))
        period: Payload = {"startPeriod": offset, "limit": limit}
        if setpoint_W is not None or limits.low < 0:
            period["customData"] = {"vendorId": VENDOR_ID}
            if setpoint_W is not None:
                period["customData"]["operationMode"] = OperationMode.CENTRAL_SETPOINT.value
                period["customData"]["setpoint"] = round(setpoint_W / watts, 1)
            if limits.low < 0:
                period["customData"]["dischargeLimit"] = math.ceil(limits.low / watts * 10) / 10
        if offset >= duration_s:
            break
        if periods and offset <= periods[-1]["startPeriod"]:
            period["startPeriod"] = periods[-1]["startPeriod"]
            period["limit"] = min(limit, periods.pop()["limit"])
        periods.append(period)
    return periods
