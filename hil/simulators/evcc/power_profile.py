"""The car's EVPowerProfile: what it will draw or give within the schedule it selected, or beyond it on purpose."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_messages import (
    Dynamic_EVPPTControlMode,
    EVPowerProfile,
    EVPowerProfileEntryList,
    PowerSchedule,
    PowerScheduleEntry,
    PowerToleranceAcceptance,
    Scheduled_EVPPTControlMode,
)
from chargepoint.iso15118.rational import number, rational
from hil.simulators.evcc.memory import CarMemory

DYNAMIC_ENTRY_W = 1000.0
WITHOUT_SCHEDULE_S = 3600
TOO_HIGH = 1.5
"""Share of the schedule's power that `too_high` draws."""
UNKNOWN_TUPLE_ID = 4_000_000_000

_TOLERANCE = {
    "none": None,
    "confirmed": PowerToleranceAcceptance.PowerToleranceConfirmed,
    "not_confirmed": PowerToleranceAcceptance.PowerToleranceNotConfirmed,
}


def power_profile(memory: CarMemory) -> EVPowerProfile | None:
    """The profile the plan asks for; None for `none`."""
    if memory.plan.profile == "none":
        return None
    scheduled = memory.selected.scheduled
    entries = scheduled_entries(memory) if scheduled else (_entry(WITHOUT_SCHEDULE_S, _dynamic_W(memory)),)
    schedule = _schedule(memory)
    return EVPowerProfile(
        TimeAnchor=int(memory.utc_s) if schedule is None or not scheduled else schedule.TimeAnchor,
        Scheduled_EVPPTControlMode=_tuple_choice(memory) if scheduled else None,
        Dynamic_EVPPTControlMode=None if scheduled else Dynamic_EVPPTControlMode(),
        EVPowerProfileEntries=EVPowerProfileEntryList(EVPowerProfileEntry=entries),
    )


def scheduled_entries(memory: CarMemory) -> tuple[PowerScheduleEntry, ...]:
    """`fitting`: the car's wish, cut to the schedule entry by entry. The other profiles break the schedule or rest."""
    wish_W, schedule = memory.spec.scheduled_power_W, _schedule(memory)
    if schedule is None:
        return (_entry(WITHOUT_SCHEDULE_S, wish_W),)
    offered = [(e.Duration, _total_W(e)) for e in schedule.PowerScheduleEntries.PowerScheduleEntry]
    match memory.plan.profile:
        case "zero":
            return tuple(_entry(duration_s, 0.0) for duration_s, _ in offered)
        case "too_high":
            return tuple(_entry(duration_s, power_W * TOO_HIGH) for duration_s, power_W in offered)
        case "across_borders":
            # one entry as long as all of them, at the power of the first: too high where a later one is lower
            return (_entry(sum(duration_s for duration_s, _ in offered), offered[0][1]),)
    return tuple(_entry(duration_s, _cut(wish_W, power_W)) for duration_s, power_W in offered)


def _cut(wish_W: float, offered_W: float) -> float:
    """Within 0 and the offer's magnitude, in the wish's direction: a discharge offer may come with either sign."""
    bound_W = abs(offered_W)
    return max(-bound_W, min(wish_W, bound_W))


def _schedule(memory: CarMemory) -> PowerSchedule | None:
    """The charging schedule; for a wish to give power the discharging schedule, where there is one."""
    chosen = memory.schedule
    if chosen is None:
        return None
    if memory.spec.scheduled_power_W < 0 and chosen.DischargingSchedule is not None:
        return chosen.DischargingSchedule.PowerSchedule
    return chosen.ChargingSchedule.PowerSchedule


def _tuple_choice(memory: CarMemory) -> Scheduled_EVPPTControlMode:
    offered = 1 if memory.schedule is None else memory.schedule.ScheduleTupleID
    unknown = memory.plan.schedule_tuple == "unknown"
    return Scheduled_EVPPTControlMode(
        SelectedScheduleTupleID=UNKNOWN_TUPLE_ID if unknown else offered,
        PowerToleranceAcceptance=_TOLERANCE[memory.plan.power_tolerance],
    )


def _total_W(entry: PowerScheduleEntry) -> float:
    parts = (entry.Power, entry.Power_L2, entry.Power_L3)
    return sum(number(part) for part in parts if part is not None)


def _dynamic_W(memory: CarMemory) -> float:
    return min(memory.spec.scheduled_power_W, DYNAMIC_ENTRY_W)


def _entry(duration_s: int, power_W: float) -> PowerScheduleEntry:
    return PowerScheduleEntry(Duration=duration_s, Power=rational(power_W))
