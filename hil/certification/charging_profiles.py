"""Charging profiles of the suite: made short, read back, and compared with composite schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hil.certification.frames import wire_time
from hil.certification.patterns import MISSING, Payload, parse_time, value_at
from hil.certification.trial import Trial
from hil.certification.validation import Step

Periods = tuple[tuple[int, float | None], ...]
"""(seconds, limit): the limit from here on, in kW or A; None where any limit is right."""


def scaled(trial: Trial, limit: float) -> float:
    """A limit of Part 6 in the configured unit: 6 is 6 A or 6000 W."""
    return limit * 1000 if trial.configured.charging_rate_unit == "W" else limit


def schedule(trial: Trial, periods: Periods, **fields: Any) -> Payload:
    """A chargingSchedule with these periods."""
    phases = trial.configured.number_phases
    return {
        "id": trial.request_id(),
        "chargingRateUnit": trial.configured.charging_rate_unit,
        "chargingSchedulePeriod": [
            {"startPeriod": start, "limit": scaled(trial, limit or 0.0)} | ({"numberPhases": phases} if phases else {})
            for start, limit in periods
        ],
        **fields,
    }


def profile(
    trial: Trial,
    periods: Periods = ((0, 6.0),),
    *,
    purpose: str = "TxDefaultProfile",
    kind: str = "Absolute",
    level: int = 0,
    start: datetime | None = None,
    duration_s: int | None = 300,
    further: Payload | None = None,
) -> Payload:
    """A chargingProfile. Absolute and Recurring begin now where no start is named; `further` are more fields of the profile."""
    timing: Payload = {} if duration_s is None else {"duration": duration_s}
    if kind != "Relative":
        timing["startSchedule"] = wire_time(start or datetime.now(UTC))
    return {
        "id": trial.request_id(),
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule(trial, periods, **timing)],
        **(further or {}),
    }


def valid(start: datetime, trial: Trial, seconds: int = 401) -> Payload:
    """validFrom and validTo around a start, with room for the deviation of clocks."""
    room = timedelta(seconds=trial.configured.time_tolerance_s)
    return {"validFrom": wire_time(start - room), "validTo": wire_time(start + room + timedelta(seconds=seconds))}


async def set_profile(trial: Trial, step: Step, sent: Payload, evse_id: int, status: str = "Accepted") -> None:
    """SetChargingProfile and its answer."""
    await trial.calls(step, "SetChargingProfile", {"evseId": evse_id, "chargingProfile": sent}, {"status": status})


async def reported_profiles(
    trial: Trial, step: Step, criterion: Payload, evse_id: int | None = None
) -> list[tuple[int, Payload]]:
    """GetChargingProfiles and its reports: each profile with the EVSE it is reported for."""
    number = trial.request_id()
    asked: Payload = {"requestId": number, "chargingProfile": criterion}
    if evse_id is not None:
        asked["evseId"] = evse_id
    await trial.calls(step, "GetChargingProfiles", asked, {"status": "Accepted"})
    found: list[tuple[int, Payload]] = []
    while True:
        call = await trial.expects(step, "ReportChargingProfiles", where={"requestId": number})
        found += [(call.payload["evseId"], one) for one in call.payload["chargingProfile"]]
        if not call.payload.get("tbc", False):
            return found


async def no_profiles(trial: Trial, step: Step, criterion: Payload, evse_id: int | None = None) -> None:
    """GetChargingProfiles finds nothing."""
    asked: Payload = {"requestId": trial.request_id(), "chargingProfile": criterion}
    if evse_id is not None:
        asked["evseId"] = evse_id
    await trial.calls(step, "GetChargingProfiles", asked, {"status": "NoProfiles"})


def check_reported(trial: Trial, step: Step, found: list[tuple[int, Payload]], *sent: tuple[int, Payload]) -> None:
    """Exactly these profiles are reported, each for its EVSE and with every field it was sent with."""
    expected = sorted(one["id"] for _, one in sent)
    trial.checks.value(step, "ids of the reported profiles", sorted(one["id"] for _, one in found), expected)
    for evse_id, one in sent:
        for place, reported in found:
            if reported["id"] == one["id"]:
                trial.checks.value(step, f"EVSE of profile {one['id']}", place, evse_id)
                trial.checks.value(
                    step, f"fields of profile {one['id']} that differ", list(differences(one, reported)), []
                )


def differences(sent: Any, reported: Any, path: str = "") -> list[str]:
    """Where `reported` lacks or changes something of `sent`. Times are compared as moments, and more fields do not matter."""
    if isinstance(sent, dict):
        inner = reported if isinstance(reported, dict) else {}
        return [
            text for key, one in sent.items() for text in differences(one, inner.get(key, MISSING), f"{path}.{key}")
        ]
    if isinstance(sent, list) and isinstance(reported, list) and len(sent) == len(reported):
        pairs = enumerate(zip(sent, reported, strict=True))
        return [text for index, (one, other) in pairs for text in differences(one, other, f"{path}[{index}]")]
    moment = parse_time(sent)
    same = parse_time(reported) == moment if moment is not None else sent == reported
    return [] if same else [f"{path.lstrip('.')}: {sent!r} became {reported!r}"]


async def composite(trial: Trial, step: Step, evse_id: int, duration_s: int) -> Payload:
    """GetCompositeSchedule: the schedule, whose EVSE, unit and duration are checked."""
    unit = trial.configured.charging_rate_unit
    asked = {"evseId": evse_id, "duration": duration_s, "chargingRateUnit": unit}
    answer = await trial.calls(step, "GetCompositeSchedule", asked, {"status": "Accepted"})
    found: Payload = answer.get("schedule", {})
    pattern = {"evseId": evse_id, "duration": duration_s, "chargingRateUnit": unit}
    trial.checks.message(step, "GetCompositeScheduleResponse.schedule", found, pattern)
    return found


def check_periods(trial: Trial, step: Step, found: Payload, begin: datetime, periods: Periods) -> None:
    """The composite schedule has these limits; `periods` count from `begin`, the schedule from its own start."""
    at = parse_time(value_at(found, "scheduleStart"))
    if at is None:
        trial.checks.fail(step, "schedule.scheduleStart", found.get("scheduleStart", MISSING), "a time")
    late_s = (at - begin).total_seconds()
    expected = [(max(0.0, start - late_s), limit) for start, limit in _from(periods, late_s)]
    seen = [(one["startPeriod"], one["limit"]) for one in found.get("chargingSchedulePeriod", [])]
    words = [(round(start), None if limit is None else scaled(trial, limit)) for start, limit in expected]
    tolerance_s = trial.configured.time_tolerance_s
    fits = len(seen) >= len(words) and all(
        abs(start - wanted) <= tolerance_s and (limit is None or abs(value - limit) < 0.05)
        for (start, value), (wanted, limit) in zip(seen, words, strict=False)
    )
    trial.checks.true(step, f"the periods are {words}, their starts within {tolerance_s:g} s", fits, seen)


def _from(periods: Periods, late_s: float) -> list[tuple[int, float | None]]:
    """The periods that are not over when the schedule starts."""
    ends = [start for start, _ in periods[1:]] + [1 << 31]
    return [period for period, end in zip(periods, ends, strict=True) if end > late_s]
